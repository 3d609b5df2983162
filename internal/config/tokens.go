package config

import (
	"maps"
	"slices"
	"strings"

	"github.com/fly-placer/fly-placer/internal/secret"
)

// Tokens returns every token that was given, whether or not it is used: all of
// them must be masked before anything is printed. The order is that of their
// options' names.
func (in Inputs) Tokens() []secret.Token {
	names := slices.SortedFunc(maps.Keys(in.tokens), strings.Compare)
	tokens := make([]secret.Token, len(names))
	for i, name := range names {
		tokens[i] = in.tokens[name]
	}
	return tokens
}
