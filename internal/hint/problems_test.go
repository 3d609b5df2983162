package hint_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/fly-placer/fly-placer/internal/hint"
)

func TestProblemsBeyondAHundredAreCounted(t *testing.T) {
	var p hint.Problems
	if !p.None() || p.Err() != nil {
		t.Fatalf("nothing was added, but %v", p.Err())
	}
	for range 99 {
		p.Addf("wrong")
	}
	p.Addf("line %d: %w", 100, io.ErrUnexpectedEOF)
	if lines := strings.Split(p.Err().Error(), "\n"); len(lines) != 100 || lines[99] != "line 100: unexpected EOF" {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
	p.Addf("left out")
	p.Addf("left out, too")
	lines := strings.Split(p.Err().Error(), "\n")
	if len(lines) != 101 || lines[100] != "and 2 more" || p.None() {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
	if !errors.Is(p.Err(), io.ErrUnexpectedEOF) {
		t.Error("the cause is lost")
	}
}

func TestCutCountsLetters(t *testing.T) {
	sixty := strings.Repeat("é", 60)
	for text, want := range map[string]string{"": "", "ams": "ams", sixty: sixty, sixty + "x": sixty + "…", sixty + sixty: sixty + "…"} {
		if got := hint.Cut(text); got != want {
			t.Errorf("Cut(%q) = %q", text, got)
		}
	}
}
