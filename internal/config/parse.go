package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/joho/godotenv"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/secret"
)

// A Source is everything outside the policy file that options come from.
type Source struct {
	// Args are the command line without the program's name.
	Args []string
	// Environ is the environment as os.Environ gives it, "KEY=value". The
	// runner passes the action's inputs in it.
	Environ []string
	// DotEnv is the .env file of the working directory; nil when there is none.
	// It counts only where GITHUB_ACTIONS is not "true".
	DotEnv []byte
	// SecretsWithheld is set for pull requests of forks and of Dependabot,
	// which run without secrets: a missing token is then no error.
	SecretsWithheld bool
}

// Inputs are what a Source says, before the policy file is known. Its exported
// fields are what is needed to find that file.
type Inputs struct {
	// Help is the text that was asked for; "" when none was.
	Help string
	// Version is set when only the version was asked for.
	Version bool
	Command Command
	// PolicyPath is where the policy file is; PolicySet when it was named, and
	// so must exist.
	PolicyPath  string
	PolicySet   bool
	GitHubToken secret.Token
	// LogFormat is "text" or "json" as far as it is known without the policy file.
	LogFormat string
	// Warnings are sentences for the log. Config repeats them.
	Warnings []string

	operand  string // of the command line, for commands that take one
	values   layer
	tokens   map[string]secret.Token
	problems []Problem
	withheld bool
	lost     bool // no such command, so that nobody knows what it needs
}

// A raw value is a text with the place where it was found.
type raw struct {
	text string
	origin
}

// A layer holds the raw values of one place by option.
type layer map[string]raw

// onlyDotEnv are the keys that count in a .env file.
var onlyDotEnv = []string{"FLY_API_TOKEN", "FLY_PROMETHEUS_URL", "FLY_APP_NAME"}

// Parse reads the command line, the action's inputs, the environment and a
// .env file, in this order of precedence. What is wrong with them is kept for
// WithPolicy, which reports it along with what is wrong in the policy file.
func Parse(src Source) Inputs {
	env := environment(src.Environ)
	onRunner := env["GITHUB_ACTIONS"] == "true"
	in := Inputs{Command: Auto, values: layer{}, tokens: map[string]secret.Token{}, withheld: src.SecretsWithheld}

	line := parseArgs(src.Args)
	in.Version, in.problems = line.version, line.problems
	if len(src.Args) == 0 && !onRunner && !anyInput(env) {
		line.help = true
	}
	in.Command = in.command(line, env)
	if line.help {
		in.Help = Help(Command(line.command))
		return in
	}
	if in.Version {
		return in
	}
	in.flags(line)
	in.operands(line)
	if !in.Command.Offline() {
		in.inputs(env)
		in.fallbacks(env, src.DotEnv, onRunner)
	}
	in.GitHubToken = in.tokens["github-token"]
	policy, _ := lookup("config")
	in.PolicyPath, in.PolicySet = cmp.Or(in.values["config"].text, policy.Default), in.values["config"].text != ""
	in.LogFormat = "text"
	if in.values["log-format"].text == "json" {
		in.LogFormat = "json"
	}
	return in
}

// anyInput tells whether the environment has inputs of an action.
func anyInput(env map[string]string) bool {
	for key := range env {
		if strings.HasPrefix(key, "INPUT_") {
			return true
		}
	}
	return false
}

// command takes the command from the line, else from the input.
func (in *Inputs) command(line commandLine, env map[string]string) Command {
	o, _ := lookup("command")
	given := raw{strings.TrimSpace(env[o.EnvName()]), origin{where: "input command"}}
	allowed := o.Values
	if line.command != "" {
		given = raw{line.command, origin{where: "command"}}
		allowed = commandNames()
	}
	if given.text == "" {
		return Auto
	}
	if _, err := parseChoice(Option{Values: allowed}, given.text); err != nil {
		in.problems, in.lost = append(in.problems, given.problem("command", err)), true
		return Auto
	}
	return Command(given.text)
}

func commandNames() []string {
	var list []string
	for _, c := range commands {
		list = append(list, string(c.Command))
	}
	return list
}

// flags takes what the command line sets.
func (in *Inputs) flags(line commandLine) {
	for _, o := range options {
		given, set := line.flags[o.Name]
		if !set {
			continue
		}
		if !o.AppliesTo(in.Command) {
			in.problems = append(in.problems, Problem{
				Option: o.Name, Where: given.where, Text: fmt.Sprintf("the command %s does not use it", in.Command),
			})
			continue
		}
		if given.text != "" {
			in.values[o.Name] = given
		}
	}
}

// operands takes the words behind the command.
func (in *Inputs) operands(line commandLine) {
	wants := ""
	for _, c := range commands {
		if c.Command == in.Command {
			wants = c.Operand
		}
	}
	fail := func(where, format string, args ...any) {
		in.problems = append(in.problems, Problem{Where: where, Text: fmt.Sprintf(format, args...)})
	}
	rest := line.operands
	switch {
	case wants == "" || line.command == "":
	case len(rest) == 0 || rest[0] == "":
		err := hint.Wrap(fmt.Errorf("%s is missing", wants), "name one, as in `fly-placer %s %s`; - is standard input", in.Command, wants)
		in.problems = append(in.problems, Problem{Where: string(in.Command), Text: err.Error(), cause: err})
	default:
		in.operand, rest = rest[0], rest[1:]
	}
	for _, word := range rest {
		if wants != "" {
			fail("argument "+quote(word), "not expected after %s: the command %s takes one %s", quote(in.operand), in.Command, wants)
		} else {
			fail("argument "+quote(word), "not expected after the command %s; values need a flag", quote(line.command))
		}
	}
}

// inputs takes the action's inputs for what no flag has set, and warns of
// those that no option has.
func (in *Inputs) inputs(env map[string]string) {
	known := map[string]bool{"INPUT_ARGS": true, "INPUT_ENTRYPOINT": true} // every container action has these
	var inputNames []string
	for _, o := range options {
		if !o.Input() {
			continue
		}
		known[o.EnvName()] = true
		inputNames = append(inputNames, o.Name)
		if o.Name != "command" {
			in.take(o, env[o.EnvName()], "input "+o.Name)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(env)) {
		rest, isInput := strings.CutPrefix(key, "INPUT_")
		if !isInput || known[key] || env[key] == "" {
			continue
		}
		name := strings.ToLower(rest)
		in.Warnings = append(in.Warnings, fmt.Sprintf("input %s is unknown and ignored%s", quote(name), didYouMean(name, inputNames)))
	}
}

// fallbacks takes the variables, then the .env file, for what is still unset.
func (in *Inputs) fallbacks(env map[string]string, dotEnv []byte, onRunner bool) {
	for _, o := range options {
		if o.Env != "" {
			in.take(o, env[o.Env], o.Env)
		}
	}
	if env["FLY_FLAPS_BASE_URL"] != "" {
		in.Warnings = append(in.Warnings,
			"FLY_FLAPS_BASE_URL is ignored, so that the environment cannot send the token elsewhere; set fly-api-url instead")
	}
	if dotEnv == nil || onRunner {
		return
	}
	file, err := godotenv.Parse(bytes.NewReader(dotEnv))
	if err != nil { // whose text may quote the token
		in.Warnings = append(in.Warnings, ".env is ignored: it has a line that is not KEY=value")
		return
	}
	for _, o := range options {
		switch {
		case o.Env == "" || file[o.Env] == "":
		case slices.Contains(onlyDotEnv, o.Env):
			in.take(o, file[o.Env], o.Env+" in .env")
		default:
			in.Warnings = append(in.Warnings, fmt.Sprintf("%s is ignored in .env, where only %s count: set it in the environment",
				o.Env, andList(onlyDotEnv)))
		}
	}
}

// take sets an option that nothing of higher precedence has set.
func (in *Inputs) take(o Option, text, where string) {
	text = strings.TrimSpace(text)
	if text == "" {
		return
	}
	if o.Kind() != Secret {
		if _, set := in.values[o.Name]; !set {
			in.values[o.Name] = raw{text, origin{where: where}}
		}
		return
	}
	if _, set := in.tokens[o.Name]; set {
		return
	}
	if strings.Contains(text, "${{") {
		in.unexpanded(o, text, where)
		return
	}
	t := secret.New(text)
	in.tokens[o.Name] = t
	if err := t.Validate(); err != nil {
		if strings.HasPrefix(o.Name, "fly") || strings.HasPrefix(o.Name, "metrics") {
			err = hint.Wrap(err, "copy the token again as `fly tokens create` prints it, on one line")
		}
		in.problems = append(in.problems, Problem{Option: o.Name, Where: where, Text: err.Error(), cause: err})
	}
}

// workflowExpression finds what GitHub replaces in a workflow file, and its beginning
// where the end is missing.
var workflowExpression = regexp.MustCompile(`\$\{\{[^}]*(\}\})?`)

// unexpanded reports a token with an expression in it that nobody replaced. It
// is no secret, and often has the option's own name in it, which would be
// masked everywhere; what stands beside it may be one.
func (in *Inputs) unexpanded(o Option, text, where string) {
	if rest := secret.New(workflowExpression.ReplaceAllString(text, "")); rest.Bare() != "" {
		in.tokens[o.Name] = rest
	}
	err := hint.Wrap(errors.New("it holds an expression that was not replaced, ${{ … }}"),
		"GitHub replaces expressions in workflow files only: elsewhere, give the token itself")
	in.problems = append(in.problems, Problem{Option: o.Name, Where: where, Text: err.Error(), cause: err})
}

// environment makes a map of KEY=value; as in a shell, the last one counts.
func environment(environ []string) map[string]string {
	env := map[string]string{}
	for _, pair := range environ {
		if key, value, ok := strings.Cut(pair, "="); ok {
			env[key] = value
		}
	}
	return env
}

func inputName(option string) string {
	return "INPUT_" + strings.ReplaceAll(strings.ToUpper(option), " ", "_")
}
