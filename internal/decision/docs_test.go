package decision_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"gopkg.in/yaml.v3"
)

// blocks returns the code blocks of docs/decision.md below a mark.
func blocks(t *testing.T, mark string) []string {
	t.Helper()
	data, err := os.ReadFile("../../docs/decision.md")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for i, part := range strings.Split(string(data), "<!-- "+mark+" -->\n```") {
		if i > 0 {
			_, code, _ := strings.Cut(part, "\n")
			code, _, _ = strings.Cut(code, "```")
			out = append(out, code)
		}
	}
	if len(out) == 0 {
		t.Fatalf("no block is marked %q", mark)
	}
	return out
}

func TestExamplesOfTheDocumentation(t *testing.T) {
	examples := blocks(t, "example")
	for _, text := range examples {
		if _, err := parse(text); err != nil {
			t.Error(err)
		}
	}
	if got := encode(t, shop()); got != examples[0] {
		t.Errorf("the first example is not as it is written:\n%s", got)
	}
}

func TestErrorsOfTheDocumentation(t *testing.T) {
	_, err := parse(blocks(t, "wrong")[0])
	if got, want := err.Error()+"\n", blocks(t, "errors")[0]; got != want {
		t.Errorf("the documentation has other errors; these are right:\n%s", got)
	}
}

// The schema is for editors: it takes what the program takes, and marks what
// is plainly wrong.
func TestSchema(t *testing.T) {
	data, err := os.ReadFile("../../schema/decision.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema openapi3.Schema
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	check := func(file string) error {
		var value any
		if err := yaml.Unmarshal([]byte(file), &value); err != nil {
			return err
		}
		data, err := json.Marshal(value) // times become texts
		if err != nil {
			return err
		}
		if err := json.Unmarshal(data, &value); err != nil {
			return err
		}
		return schema.VisitJSON(value, openapi3.EnableJSONSchema2020())
	}
	good := append(blocks(t, "example"), encode(t, shop()),
		"version: 1\napp: shop\ngroups: {web: {placement: {ams: 1, fra: 0}, assumes: }}\ndigest:\n",
		"version: 1\napp: shop\ngroups: {web: {placement: {ams: 1}, assumes: {}}}")
	for _, text := range good {
		if _, err := parse(text); err != nil {
			t.Errorf("the program refuses %q: %v", text, err)
		}
		if err := check(text); err != nil {
			t.Errorf("the schema refuses %q: %v", text, err)
		}
	}
	for _, text := range wrong {
		// Sizes, sums, regions, dates and the ways to write YAML are not the schema's.
		beyond := len(text) > 1000 || strings.Contains(text, "&p") || strings.Contains(text, "<<")
		for _, part := range []string{"hkg", "---", "{ams: 0}", "1999"} {
			beyond = beyond || strings.Contains(text, part)
		}
		if err := check(text); err == nil && !beyond {
			t.Errorf("the schema takes %q", text)
		}
	}
}
