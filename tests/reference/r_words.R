# What R's model.matrix makes of each formula, on the rows of data/terms.csv and on new ones, columns that lme4 would
# drop left out. Writes r_words.json. tests/model/test_words.py makes the same columns and rows.
library(splines)
d <- read.csv("data/terms.csv", stringsAsFactors = TRUE)
d$z <- rep(1:4, length.out = nrow(d))
d$n <- seq_len(nrow(d)) * 20000 + 100000
d$w <- seq(0.5, 20, length.out = nrow(d))
d$dot.name <- d$x^2
d$text <- as.character(d$c)
e <- d[c(3, 8, 21, 5, 40, 2, 17, 30), ]
e$x <- e$x + 0.3
e$w <- rev(e$w)
formulas <- c(
  # operators
  "x^2", "(x + w + h)^2", "(x + w + h)^2 - x:w", "(h + k + x)^3 - h:k:x", "h %in% k", "k + h %in% k", "h / k", "h/x",
  "(h + k)/x", "h/(k + x)", "h * k - h", "h:k", "k:h + h", "h:k:c", "h:k:x", "x + h:k:x", "x - 1", "0 + h", "h - 1 + k",
  "0 + h:x", "0 + x + h:x", "h*k*c", "-1 + h:k", "h + h:k", "x:h + w:h", "I(x^2)", "I(-x^2)", "I(2^x)", "I((x - 1)^2)",
  "x + I(x^2) + I(x^3)", "(x + I(x^2)) * h", "I(x^2):h", "I(x/2)", "I(x * w)", "dot.name", "log(dot.name + 1)",
  "x*h - h:x", "h*k - k:h", "(h + k)^2 - k:h", "h/k - k:h", "log(w)*h - h:log(w)", "h*k*s - s:k:h", "h %in% (k + w)",
  "(h + k)/(s + x)", "(0 + x) + h", "x - 0", "x + (h - 1)", "x*(h - 1)", "I((x > 0) + (w > 5))", "I(-(x > 0) * w)",
  "I((x > 0) - (w > 10))", "I((x > 0)/(w + 1))", "exp(x > 0)", "I(z^-1)", "I(2^(z * 10))", "I(n^4)", "poly(n, 3, raw = TRUE)",
  # categories
  "factor(z)", "factor(z) * k", "0 + factor(z)", "as.factor(z)", "factor(h, levels = c('c', 'a', 'b'))",
  "factor(z, labels = c('p', 'q', 'r', 's'))", "relevel(h, ref = 'b')", "relevel(h, 'c') * x", "as.numeric(z)",
  "as.numeric(h)", "as.numeric(factor(z))", "as.numeric(factor(w > 5))", "ifelse(z == '2', x, w)",
  "ifelse(z %in% c('1', '3'), x, w)", "I(z != 2):x", "cut(w, c(-Inf, 5, Inf))", "0 + C(h, contr.sum)",
  "C(h, contr.sum):k", "as.character(z)", "ifelse(x > 0, 1, 0)", "ifelse(x > 0, x, 0) * h", "ifelse(h == 'a', 'yes', 'no')", "I(x > 0)",
  "I(x > 0):w", "0 + I(x > 0)", "I(x > 0 & w < 10)", "I(x > 0 | k == 'u')", "I(!(x > 0))", "I(h %in% c('a', 'b'))",
  "I(h == 'a')", "cut(w, c(0, 5, 10, 20))", "cut(w, breaks = c(0, 5, 10, 20), labels = c('low', 'mid', 'top'))",
  "cut(w, c(0, 5, 10, 20.5), right = FALSE)", "cut(w, c(0.5, 10, 20), include.lowest = TRUE)", "C(h, contr.poly)",
  "C(h, poly) * x", "C(c, contr.helmert)", "C(h, contr.sum)", "C(h, contr.treatment)", "C(c, contr.poly):x",
  # functions of one value
  "sqrt(w)", "log(w)", "log(w, 2)", "log2(w)", "log10(w)", "log1p(w)", "exp(x)", "abs(x)", "sqrt(pmax(x, 0))",
  "pmin(x, w, 3)", "pmax(x, 0)", "plogis(x)", "floor(w)", "sin(w) + cos(w)", "exp(log(w)) + exp(x)",
  # functions that remember
  "scale(x)", "scale(x, scale = FALSE)", "scale(x, center = FALSE)", "poly(x, 2)", "poly(w, 3) * h",
  "poly(x, 2, raw = TRUE)", "ns(w, df = 3)", "ns(w, 4)", "ns(w, knots = c(5, 10))", "splines::ns(x, df = 2)",
  "bs(w, df = 5)", "bs(w, knots = c(5, 10))", "bs(w, df = 4, degree = 2)", "ns(w, df = 3):k"
)
kept <- function(X) qr(X, tol = 1e-7)$pivot[seq_len(qr(X, tol = 1e-7)$rank)]
shown <- function(X) paste(apply(X, 2, function(x) sprintf("[%s]", paste(sprintf("%.10g", x), collapse = ", "))),
                           collapse = ",\n     ")
entries <- vapply(formulas, function(text) {
  frame <- model.frame(as.formula(paste("~", text)), d)
  terms <- terms(frame)
  X <- model.matrix(terms, frame)
  own <- sort(kept(X))
  # contrasts given by C() are lost on new rows; these have no memory, and are made of both together
  new <- if (grepl("C(", text, fixed = TRUE)) tail(model.matrix(terms, model.frame(terms, rbind(d, e))), nrow(e))
         else model.matrix(terms, model.frame(terms, e, xlev = .getXlevels(terms, frame)))
  sprintf('  "%s": {\n    "X": [%s],\n    "new": [%s]}', text, shown(X[, own, drop = FALSE]),
          shown(new[, own, drop = FALSE]))
}, "")
writeLines(c("{", paste(entries, collapse = ",\n"), "}"), "r_words.json")
