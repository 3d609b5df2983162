package config

import (
	"fmt"
	"strings"

	"github.com/fly-placer/fly-placer/internal/hint"
)

// didYouMean ends a sentence with the nearest name, where there is one.
func didYouMean(text string, names []string) string {
	if name, ok := hint.Nearest(text, names); ok {
		return fmt.Sprintf("; did you mean %s?", name)
	}
	return ""
}

// orList writes "a, b or c".
func orList(words []string) string { return joinList(words, " or ") }

// andList writes "a, b and c".
func andList(words []string) string { return joinList(words, " and ") }

func joinList(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + last + words[len(words)-1]
}
