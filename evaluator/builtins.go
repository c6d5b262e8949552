package evaluator

import "slices"

// builtins are the evaluators that every registry starts with.
func builtins() []Definition {
	return slices.Concat(
		equalsDefinitions(), containsDefinitions(), affixDefinitions(), regexDefinitions(),
		levenshteinDefinitions(), numericDefinitions(), numericDiffDefinitions(),
		jsonDefinitions(), jsonDiffDefinitions(), listDefinitions(),
		latencyDefinitions(), costDefinitions(),
		exprDefinitions(), execDefinitions(), combineDefinitions(),
		exactDefinitions(), includesDefinitions(), matchDefinitions(), patternDefinitions(),
		stringCheckDefinitions(), githubDefinitions(),
	)
}
