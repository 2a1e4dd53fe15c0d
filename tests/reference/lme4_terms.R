# The random-effects terms that lme4 makes of each formula: per factor its number of groups, the names of its effects,
# which of them are correlated, and the column sums of Z by effect. Writes lme4_terms.json.
library(lme4)
d <- read.csv("data/terms.csv", stringsAsFactors = TRUE)
formulas <- c(
  "y ~ x + (1 | g)", "y ~ x + (x | g)", "y ~ x + (x || g)", "y ~ x + (0 + x | g)", "y ~ x + (x - 1 | g)",
  "y ~ h + (h | g)", "y ~ h + (0 + h | g)", "y ~ h + (h || g)", "y ~ x + (1 | g) + (0 + h | g)",
  "y ~ h * x + (h * x | g)", "y ~ x + (h:x | g)", "y ~ x + (0 + h + k | g)", "y ~ x + (x + h || g)",
  "y ~ x + (1 | s/c)", "y ~ x + (x | s/c)", "y ~ x + (1 | s:c)", "y ~ x + (1 | g) + (x | s)",
  "y ~ x + (h | g) + (0 + h | s)", "y ~ x + (I(x * 2) | g)", "y ~ h + (0 + h:k | g)"
)
control <- lmerControl(check.nobs.vs.nRE = "ignore", check.nlev.gtr.1 = "ignore", check.nobs.vs.rankZ = "ignore",
                       check.nobs.vs.nlev = "ignore")
quoted <- function(x) paste0('"', x, '"')
entries <- vapply(formulas, function(text) {
  terms <- lFormula(as.formula(text), d, control = control)$reTrms
  blocks <- vapply(seq_along(terms$cnms), function(i) {
    Zt <- terms$Ztlist[[i]]
    q <- length(terms$cnms[[i]])
    sums <- colSums(matrix(rowSums(as.matrix(Zt)), ncol = q, byrow = TRUE))
    factor <- names(terms$cnms)[i]
    sprintf('{"factor": %s, "groups": %d, "effects": [%s], "sums": [%s]}', quoted(factor), nrow(Zt) / q,
            paste(quoted(terms$cnms[[i]]), collapse = ", "), paste(sprintf("%.6f", sums), collapse = ", "))
  }, "")
  sprintf('  %s: [%s]', quoted(text), paste(blocks, collapse = ",\n    "))
}, "")
writeLines(c("{", paste(entries, collapse = ",\n"), "}"), "lme4_terms.json")
