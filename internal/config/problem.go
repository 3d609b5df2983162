package config

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/secret"
)

// maxProblems bounds what is reported: a file of another kind, taken for a
// policy, is wrong in every line.
const maxProblems = 100

// A UsageError holds everything that is wrong with the options, up to the
// first 100 problems. It calls for exit status 2. Its text has one line for each problem, and no token.
type UsageError struct {
	Problems []Problem
}

// Error returns one line for each problem.
func (e *UsageError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the problems, so that hint.Of finds their next steps.
func (e *UsageError) Unwrap() []error {
	errs := make([]error, len(e.Problems))
	for i, p := range e.Problems {
		errs[i] = p
	}
	return errs
}

// A Problem is one thing that is wrong with the options.
type Problem struct {
	// Option is the name in the table; "" when no option is concerned.
	Option string
	// Where the value came from: "--window", "input window", "FLY_APP_NAME" or
	// ".github/fly-placer.yml line 4, defaults.window".
	Where string
	// File and Line are where in the policy file, for an annotation; "" and 0 elsewhere.
	File string
	Line int
	// Text is what is wrong and what is allowed.
	Text string

	cause error
}

// Error returns "WHERE: TEXT".
func (p Problem) Error() string {
	if p.Where == "" {
		return p.Text
	}
	return p.Where + ": " + p.Text
}

// Unwrap returns what caused the problem, which may carry a next step.
func (p Problem) Unwrap() error { return p.cause }

// An origin is where a value came from.
type origin struct {
	where string // "" for the default
	file  string
	line  int
}

// String names the place without the option, which is said beside it.
func (o origin) String() string {
	switch {
	case o.where == "":
		return "the default"
	case o.file != "":
		return fmt.Sprintf("%s line %d", o.file, o.line)
	case strings.HasPrefix(o.where, "--"):
		return "flag"
	case strings.HasPrefix(o.where, "input "):
		return "input"
	}
	return o.where
}

// problem makes the Problem of an option whose value is wrong.
func (r raw) problem(option string, err error) Problem {
	where := r.where
	if r.text != "" {
		where += " " + quote(r.text)
	}
	return Problem{
		Option: option, Where: where, File: r.file, Line: r.line,
		Text: strings.ReplaceAll(err.Error(), "\n", "; "), cause: err,
	}
}

// githubToken finds what GitHub's tokens begin with.
var githubToken = regexp.MustCompile(`\b(gh[pousr]|github_pat)_[A-Za-z0-9_]+`)

// redacted returns the problem without any token: people do put one where a
// name belongs.
func (p Problem) redacted(tokens []secret.Token) Problem {
	clean := func(s string) string {
		return githubToken.ReplaceAllString(secret.Redact(s, tokens...), secret.Mask)
	}
	p.Where, p.Text = clean(p.Where), clean(p.Text)
	return p
}

// quote writes a foreign text on one line, cut when it is long.
func quote(text string) string {
	return fmt.Sprintf("%q", hint.Cut(text))
}
