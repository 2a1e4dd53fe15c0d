# Estimates with weights (lme4) and with known sds (metafor). Writes weights.json.
# The BCG trials are those of Colditz et al. (1994), as metafor's dat.bcg has them.
library(lme4)
library(metafor)
sleep <- read.csv("data/sleepstudy.csv")
sleep$w <- 0.5 + (sleep$Days * 7) %% 4
sleep$period <- paste0("p", sleep$Days %% 5)
of_lme4 <- function(text, reml) {
  fit <- lmer(as.formula(text), sleep, weights = w, REML = reml,
              control = lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-9, maxfun = 1e5)))
  vc <- as.data.frame(VarCorr(fit))
  sprintf('{"fixed": [%s], "se": [%s], "sd": [%s]}', paste(sprintf("%.6f", fixef(fit)), collapse = ", "),
          paste(sprintf("%.6f", sqrt(diag(as.matrix(vcov(fit))))), collapse = ", "),
          paste(sprintf("%.6f", vc$sdcor), collapse = ", "))
}
formulas <- c("Reaction ~ Days + (1 | Subject)", "Reaction ~ Days + (Days | Subject)",
              "Reaction ~ Days + (1 | Subject) + (1 | period)")
lme4 <- unlist(lapply(formulas, function(text) lapply(c(TRUE, FALSE), function(reml)
  sprintf('    ["%s", %s, %s]', text, tolower(reml), of_lme4(text, reml)))))
bcg <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
bcg$sd <- sqrt(bcg$vi)
meta <- unlist(lapply(c("REML", "ML", "PM"), function(method) lapply(c("~ 1", "~ ablat"), function(mods) {
  fit <- rma(yi, vi, mods = as.formula(mods), data = bcg, method = method,
             control = list(threshold = 1e-12, tol = 1e-12, maxiter = 10000))
  sprintf('    ["%s", "%s", {"fixed": [%s], "se": [%s], "tau": %.6f, "I2": %.6f}]', method, mods,
          paste(sprintf("%.6f", fit$beta), collapse = ", "), paste(sprintf("%.6f", fit$se), collapse = ", "),
          sqrt(fit$tau2), fit$I2)
})))
levels <- rma.mv(yi, vi, random = ~ 1 | alloc / trial, data = bcg)
nested <- sprintf('{"fixed": %.6f, "se": %.6f, "sd": [%s]}', levels$beta, levels$se,
                  paste(sprintf("%.6f", sqrt(levels$sigma2)), collapse = ", "))
writeLines(c("{", '  "lme4": [', paste(lme4, collapse = ",\n"), "  ],", '  "metafor": [',
             paste(meta, collapse = ",\n"), "  ],", sprintf('  "nested": %s', nested), "}"), "weights.json")
write.csv(data.frame(trial = bcg$trial, year = bcg$year, ablat = bcg$ablat, alloc = bcg$alloc,
                     log_rr = sprintf("%.10f", bcg$yi), sd = sprintf("%.10f", bcg$sd)), "data/bcg.csv", row.names = FALSE, quote = FALSE)
