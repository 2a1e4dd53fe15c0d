# The rank of R's model.matrix for common parts on data/terms.csv. Writes model_matrix_ranks.json.
d <- read.csv("data/terms.csv", stringsAsFactors = TRUE)
d$t <- d$x > 0
formulas <- c(
  "x", "0 + x", "h", "0 + h", "h * k", "h / k", "h / x", "h / (k + x)", "h:k", "h:x", "0 + h:x", "h * x", "h + h:x",
  "h * k * x", "h * k * x - k - h:x", "(h + k + x)**2", "(h + k + x)**2 - h - x", "h * k - h", "x - 1", "t", "0 + t",
  "x:t", "t * h", "0 + h * k", "0 + h * k * x", "poly(x, 2)", "I(x**2) + x", "log(x + 10)", "k / h / x", "h + k:x"
)
rank <- function(text) qr(model.matrix(as.formula(paste("~", gsub("\\*\\*", "^", text))), d))$rank
entries <- vapply(formulas, function(text) sprintf('  "%s": %d', text, rank(text)), "")
writeLines(c("{", paste(entries, collapse = ",\n"), "}"), "model_matrix_ranks.json")
