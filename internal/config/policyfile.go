package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"gopkg.in/yaml.v3"

	"github.com/fly-placer/fly-placer/internal/hint"
)

// maxPolicySize bounds the policy file: 256 KiB.
const maxPolicySize = 256 << 10

// A policyFile is the file, read but not yet understood.
type policyFile struct {
	defaults layer
	apps     []appLayer // in the order of the file
}

type appLayer struct {
	name   string
	values layer
}

// notes tells of the apps that a policy file with others in it leaves out,
// which may be a slip of the pen. The name that comes nearest is listed first.
func (f policyFile) notes(file string, apps []AppConfig) []string {
	const most = 5
	var listed, notes []string
	for _, a := range f.apps {
		listed = append(listed, a.name)
	}
	slices.Sort(listed)
	for _, app := range apps {
		if len(listed) == 0 || slices.Contains(listed, app.Name) {
			continue
		}
		list := slices.Clone(listed)
		if near, ok := hint.Nearest(app.Name, list); ok {
			list = slices.DeleteFunc(list, func(name string) bool { return name == near })
			list = slices.Insert(list, 0, near)
		}
		if more := len(list) - most; more > 0 {
			list = append(list[:most], fmt.Sprintf("%d more", more))
		}
		notes = append(notes, fmt.Sprintf("%s is not under apps: in %s, which lists %s: only its defaults hold",
			app.Name, file, andList(list)))
	}
	return notes
}

// A policyReader collects what is wrong while it reads.
type policyReader struct {
	name     string
	problems []Problem
}

// readPolicy reads the policy file strictly. name is how messages call it.
func readPolicy(file []byte, name string) (policyFile, []Problem) {
	r := &policyReader{name: name}
	policy := policyFile{defaults: layer{}}
	root := r.document(file)
	if root == nil {
		return policy, r.problems
	}
	for _, e := range r.entries(root, "", "a mapping with `defaults:` and `apps:`") {
		switch e.key.Value {
		case "version":
			if e.value.Kind != yaml.ScalarNode || e.value.Value != "1" {
				r.fail(e.value, "version", errors.New("want 1, the only version there is"))
			}
		case "defaults":
			policy.defaults = r.options(e.value, "defaults", Defaults)
		case "apps":
			policy.apps = r.apps(e.value)
		default:
			r.fail(e.key, "", unknownTop(e.key.Value))
		}
	}
	return policy, r.problems
}

func unknownTop(key string) error {
	if o, known := lookup(key); known && o.Place != Nowhere {
		return fmt.Errorf("%s belongs under `defaults:`, or under an app in `apps:`", key)
	} else if known {
		return notInFile(o)
	}
	return fmt.Errorf("unknown key %s: want version, defaults or apps%s", quote(key), didYouMean(key, []string{"version", "defaults", "apps"}))
}

// document returns the root of the only document; nil when it is empty or broken.
func (r *policyReader) document(file []byte) *yaml.Node {
	if len(file) > maxPolicySize {
		r.failAt(0, "", fmt.Errorf("the file has %d bytes: at most %d are read", len(file), maxPolicySize))
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(file))
	var doc, next yaml.Node
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		r.syntax(err)
		return nil
	}
	switch err := decoder.Decode(&next); {
	case err == nil:
		r.fail(&next, "", errors.New("a second document: only one is read"))
	case !errors.Is(err, io.EOF):
		r.syntax(err)
	}
	if len(doc.Content) == 0 || isNull(doc.Content[0]) {
		return nil
	}
	return doc.Content[0]
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(?s:(.*))$`)

// syntax reports an error of the YAML parser.
func (r *policyReader) syntax(err error) {
	line, text := 0, err.Error()
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1]) // no line: 0
		text = m[2]
	}
	r.failAt(line, "", fmt.Errorf("not YAML: %s", text))
}

// An entry is a key of a mapping with its value.
type entry struct{ key, value *yaml.Node }

// entries lists a mapping's entries, without those that are there twice. An
// empty value is an empty mapping.
func (r *policyReader) entries(n *yaml.Node, path, want string) []entry {
	if isNull(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		r.fail(n, path, fmt.Errorf("want %s, not %s", want, kindOf(n)))
		return nil
	}
	var list []entry
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content) && len(r.problems) < maxProblems; i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			r.fail(key, path, fmt.Errorf("a key is %s: want a name", kindOf(key)))
			continue
		}
		if line, twice := first[key.Value]; twice {
			r.fail(key, path, fmt.Errorf("key %s is there twice, first on line %d", quote(key.Value), line))
			continue
		}
		first[key.Value] = key.Line
		list = append(list, entry{key, value})
	}
	return list
}

func (r *policyReader) apps(n *yaml.Node) []appLayer {
	app, _ := lookup("app")
	pattern := regexp.MustCompile(app.Pattern)
	var list []appLayer
	for _, e := range r.entries(n, "apps", "a mapping of app names to options") {
		if len(r.problems) >= maxProblems {
			break
		}
		if !pattern.MatchString(e.key.Value) {
			r.fail(e.key, "apps", fmt.Errorf("%s is not %s", quote(e.key.Value), app.Shape))
			continue
		}
		list = append(list, appLayer{e.key.Value, r.options(e.value, "apps."+e.key.Value, Apps)})
	}
	return list
}

// options reads a mapping of options that may stand in this place.
func (r *policyReader) options(n *yaml.Node, path string, place Place) layer {
	values := layer{}
	for _, e := range r.entries(n, path, "a mapping of options") {
		if len(r.problems) >= maxProblems {
			break
		}
		key := e.key.Value
		o, known := lookup(key)
		switch {
		case !known:
			r.fail(e.key, path, fmt.Errorf("unknown option %s%s", quote(key), didYouMean(key, keysFor(place))))
			continue
		case o.Place == Nowhere:
			r.fail(e.key, path, notInFile(o))
			continue
		case o.Place < place:
			r.fail(e.key, path, fmt.Errorf("%s holds for the whole run: it belongs under `defaults:`", key))
			continue
		}
		text, err := plainText(o, e.value)
		at := r.at(e.value.Line, path+"."+key)
		if err != nil {
			r.problems = append(r.problems, raw{"", at}.problem(key, err))
			continue
		}
		if text == "" {
			continue
		}
		v := raw{text, at}
		if o.Kind() == Path && !filepath.IsLocal(text) {
			r.problems = append(r.problems, v.problem(key, errors.New("want a path inside the repository")))
			continue
		}
		values[key] = v
	}
	return values
}

func keysFor(place Place) []string {
	var keys []string
	for _, o := range options {
		if o.Place >= place {
			keys = append(keys, o.Name)
		}
	}
	return keys
}

// notInFile says where an option belongs that may not stand in the file.
func notInFile(o Option) error {
	switch {
	case o.Kind() == Secret:
		return fmt.Errorf("%s is a token, and a token never stands in a file: store it as a secret and pass it as the input", o.Name)
	case o.Kind() == URL:
		return fmt.Errorf("%s is an input or a flag: a file must not decide where a token is sent", o.Name)
	case o.Name == "app":
		return errors.New("app is an input or a flag: in the file, apps are named under `apps:`")
	case o.CLIOnly:
		return fmt.Errorf("%s is a flag of the command line only", o.Name)
	}
	return fmt.Errorf("%s is an input of the action or an argument of the command line only", o.Name)
}

func (r *policyReader) at(line int, path string) origin {
	where := r.name
	if line > 0 {
		where = fmt.Sprintf("%s line %d", r.name, line)
	}
	if path != "" {
		where += ", " + path
	}
	return origin{where: where, file: r.name, line: line}
}

func (r *policyReader) fail(n *yaml.Node, path string, err error) { r.failAt(n.Line, path, err) }

func (r *policyReader) failAt(line int, path string, err error) {
	r.problems = append(r.problems, raw{"", r.at(line, path)}.problem("", err))
}
