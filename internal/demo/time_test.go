package demo

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/action"
)

// Metrics are kept for 15 days. The story is older one day, or not yet: it is
// told all the same, as everything goes by the story's clock.
func TestTheStoryDoesNotAge(t *testing.T) {
	for _, at := range []time.Time{story.AddDate(-1, 0, 0), story.AddDate(5, 0, 0)} {
		var out bytes.Buffer
		if err := play(t.Context(), action.Process{Stdout: &out, Stderr: &out, Now: time.Now}, false, at); err != nil {
			t.Errorf("at %s: %v", at, err)
		}
		if !strings.Contains(out.String(), "shop: open ") {
			t.Errorf("at %s:\n%s", at, &out)
		}
	}
}
