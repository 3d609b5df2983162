package demo_test

import (
	"bytes"
	"os"
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
	// The README opens with the demo's answer.
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, "shop: ") && !strings.Contains(string(readme), line) {
			t.Errorf("README.md does not show the demo's answer: %s", line)
		}
	}
}
