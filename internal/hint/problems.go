package hint

import (
	"errors"
	"fmt"
)

// maxProblems is how many problems are told: a file of another kind, taken for
// the one that was meant, is wrong in every line.
const maxProblems = 100

// Problems collects what is wrong with a file: the first 100 problems, and how
// many more there are. The zero value has none.
type Problems struct {
	first []error
	more  int
}

// Addf adds a problem, formatted as by fmt.Errorf.
func (p *Problems) Addf(format string, args ...any) {
	if len(p.first) == maxProblems {
		p.more++
		return
	}
	p.first = append(p.first, fmt.Errorf(format, args...))
}

// None tells whether there is no problem.
func (p *Problems) None() bool { return len(p.first) == 0 }

// Err joins the problems, a line each; nil when there is none.
func (p *Problems) Err() error {
	list := p.first
	if p.more > 0 {
		list = append(list[:len(list):len(list)], fmt.Errorf("and %d more", p.more))
	}
	return errors.Join(list...)
}

// Cut returns the first 60 letters of a foreign text that is longer, for a
// message.
func Cut(text string) string {
	const most = 60
	letters := 0
	for i := range text {
		if letters == most {
			return text[:i] + "…"
		}
		letters++
	}
	return text
}
