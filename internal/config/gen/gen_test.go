package main

import (
	"os"
	"strings"
	"testing"
)

// The generated files are part of the repository, so that people can read them
// and the runner finds action.yml.
func TestGeneratedFilesAreUpToDate(t *testing.T) {
	files, err := generate(os.DirFS("../../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.old != f.text {
			t.Errorf("%s is not what the option table says: run go generate ./internal/config", f.name)
		}
	}
}

func TestSectionIsReplacedBetweenItsMarkers(t *testing.T) {
	got, err := section{"inputs", "new\n"}.replaceIn("a\n<!-- inputs:begin -->\nold\n<!-- inputs:end -->\nb\n")
	if want := "a\n<!-- inputs:begin -->\nnew\n<!-- inputs:end -->\nb\n"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	for _, doc := range []string{"", "<!-- inputs:begin -->"} {
		if _, err := (section{"inputs", ""}).replaceIn(doc); err == nil || !strings.Contains(err.Error(), "missing") {
			t.Errorf("%q: got %v, want an error that names the missing marker", doc, err)
		}
	}
}

// Inputs that the policy file may set must have no default in action.yml: the
// runner passes defaults as if somebody had set them.
func TestActionDefaultsDoNotOverrideThePolicyFile(t *testing.T) {
	text := actionYML()
	if got := strings.Count(text, "    default: "); got != 2 {
		t.Errorf("action.yml has %d defaults, want those of command and github-token only", got)
	}
	if got := strings.Count(text, "${{"); got != 1 {
		t.Errorf("action.yml has %d expressions, want that of github-token only: in a description they fail the run", got)
	}
	if strings.Contains(text, "\n  serve:") {
		t.Error("a flag of the command line is an input")
	}
}
