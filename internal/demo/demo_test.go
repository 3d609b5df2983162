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
	// The README shows the story as it is told.
	story, rest, told := strings.Cut(out.String(), "\nWhat you saw, ")
	if !told || !strings.Contains(rest, "simulated on this machine") {
		t.Fatalf("the demo does not say what it was made of:\n%s", &out)
	}
	for _, want := range []string{"shop: open ", "Pull request #8", "shop: applied; ", "Serving: 8 Machines before, 7 after, never fewer than 7", "git revert"} {
		if !strings.Contains(story, want) {
			t.Errorf("the demo does not say %q:\n%s", want, story)
		}
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "```\n"+story+"```\n") {
		t.Errorf("README.md does not show the demo as it is:\n%s", story)
	}
}
