package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/fly-placer/fly-placer/internal/config"
)

// The workflows that people copy name inputs that there are, with values that are
// taken; the README shows one of them as it is.
func TestExampleWorkflowsUseInputsThatThereAre(t *testing.T) {
	files, err := filepath.Glob("../../docs/examples/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	var inputs []string
	for _, o := range config.Options() {
		if o.Input() {
			inputs = append(inputs, o.Name)
		}
	}
	steps := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var workflow struct {
			Permissions map[string]string
			Jobs        map[string]struct {
				Permissions map[string]string
				Steps       []struct {
					Uses string
					With map[string]string
				}
			}
		}
		if err := yaml.Unmarshal(data, &workflow); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		for name, job := range workflow.Jobs {
			for _, step := range job.Steps {
				if !strings.HasPrefix(step.Uses, "fly-placer/fly-placer@") {
					continue
				}
				steps++
				if step.Uses != "fly-placer/fly-placer@v1" || len(job.Permissions) == 0 {
					t.Errorf("%s, %s: uses %s, permissions %v", file, name, step.Uses, job.Permissions)
				}
				var env []string
				for input, value := range step.With {
					if !slices.Contains(inputs, input) {
						t.Errorf("%s, %s: there is no input %s", file, name, input)
					}
					if !strings.Contains(value, "${{") {
						env = append(env, "INPUT_"+strings.ToUpper(input)+"="+value)
					}
				}
				if _, err := load(nil, ready(env...), ""); err != nil {
					t.Errorf("%s, %s: %v", file, name, err)
				}
			}
		}
	}
	if steps < 6 {
		t.Errorf("%d steps use the action, want at least 6", steps)
	}
	readme, err1 := os.ReadFile("../../README.md")
	example, err2 := os.ReadFile("../../docs/examples/propose-and-apply.yml")
	if err1 != nil || err2 != nil || !strings.Contains(string(readme), "```yaml\n"+string(example)+"```\n") {
		t.Errorf("README.md does not show docs/examples/propose-and-apply.yml as it is (%v, %v)", err1, err2)
	}
}
