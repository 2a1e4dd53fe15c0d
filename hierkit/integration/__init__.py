"""Group effects that are not known: integrated out, or drawn."""
