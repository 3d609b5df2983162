// Package hint helps people out of errors. It carries the next step along with
// an error, apart from its text, so that a message can be shown in one line and
// its way out in the next, and finds the word that was most likely meant.
package hint

import "fmt"

type hinted struct {
	err  error
	next string
}

func (h *hinted) Error() string { return h.err.Error() }
func (h *hinted) Unwrap() error { return h.err }

// Wrap returns err with a next step, formatted as by fmt.Sprintf. The text of
// the error stays as it is. A nil err stays nil.
func Wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &hinted{err: err, next: fmt.Sprintf(format, args...)}
}

// Of collects the next steps that err and the errors it wraps or joins carry,
// outermost first, each once.
func Of(err error) []string {
	var steps []string
	seen := map[string]bool{}
	var walk func(error)
	walk = func(err error) {
		if h, ok := err.(*hinted); ok && !seen[h.next] { //nolint:errorlint // the walk itself unwraps, so that no step is skipped
			seen[h.next] = true
			steps = append(steps, h.next)
		}
		switch x := err.(type) { //nolint:errorlint // same
		case interface{ Unwrap() error }:
			if inner := x.Unwrap(); inner != nil {
				walk(inner)
			}
		case interface{ Unwrap() []error }:
			for _, inner := range x.Unwrap() {
				walk(inner)
			}
		}
	}
	if err != nil {
		walk(err)
	}
	return steps
}
