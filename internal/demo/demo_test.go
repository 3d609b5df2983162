package demo_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/action"
	"github.com/fly-placer/fly-placer/internal/demo"
)

func TestTheDemoTellsTheStory(t *testing.T) {
	var out bytes.Buffer
	p := action.Process{Stdout: &out, Stderr: &out, Now: time.Now, Version: "test"}
	if err := demo.Run(t.Context(), p, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"shop: open ", "p95 ", "a month", "proven", "1 comment on a simulated pull request"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the demo does not say %q:\n%s", want, &out)
		}
	}
}
