// Command gen writes the files that follow from the option table: action.yml,
// the tables in README.md and docs/policy.md, and the JSON Schema of the
// policy file. Run it as: go run ./internal/config/gen
package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	root := flag.String("root", ".", "the repository's top directory")
	flag.Parse()
	if err := run(*root); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// run writes those generated files that differ.
func run(root string) error {
	files, err := generate(os.DirFS(root))
	if err != nil {
		return err
	}
	for _, file := range files {
		if file.old == file.text {
			continue
		}
		name := filepath.Join(root, filepath.FromSlash(file.name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return fmt.Errorf("make directory: %w", err)
		}
		if err := os.WriteFile(name, []byte(file.text), 0o644); err != nil {
			return fmt.Errorf("write file: %w", err)
		}
		fmt.Println("wrote", file.name)
	}
	return nil
}

// A file is a generated one: as it is, "" when there is none, and as it should be.
type file struct{ name, old, text string }

// generate returns every generated file of a repository.
func generate(repo fs.FS) ([]file, error) {
	example, err := fs.ReadFile(repo, "docs/examples/policy.yml")
	if err != nil {
		return nil, fmt.Errorf("read the example: %w", err)
	}
	schema, err := schemaJSON()
	if err != nil {
		return nil, err
	}
	parts := map[string][]section{
		"README.md": {
			{"inputs", optionTables()},
			{"outputs", outputTable()},
		},
		"docs/policy.md": {
			{"example", "```yaml\n" + string(example) + "```\n"},
			{"options", keyTables()},
		},
	}
	files := []file{{name: "action.yml", text: actionYML()}, {name: "schema/policy.schema.json", text: schema}}
	for i := range files {
		old, err := fs.ReadFile(repo, files[i].name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read file: %w", err)
		}
		files[i].old = string(old)
	}
	for _, name := range []string{"README.md", "docs/policy.md"} {
		old, err := fs.ReadFile(repo, name)
		if err != nil {
			return nil, fmt.Errorf("read file: %w", err)
		}
		text := string(old)
		for _, s := range parts[name] {
			if text, err = s.replaceIn(text); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		files = append(files, file{name, string(old), text})
	}
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return files, nil
}

// A section is the generated part of a file, between its markers.
type section struct{ name, text string }

func (s section) replaceIn(doc string) (string, error) {
	begin, end := "<!-- "+s.name+":begin -->", "<!-- "+s.name+":end -->"
	before, rest, found := strings.Cut(doc, begin)
	if !found {
		return "", fmt.Errorf("the marker %s is missing", begin)
	}
	_, after, found := strings.Cut(rest, end)
	if !found {
		return "", fmt.Errorf("the marker %s is missing", end)
	}
	return before + begin + "\n" + s.text + end + after, nil
}
