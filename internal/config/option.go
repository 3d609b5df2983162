// Package config turns flags, action inputs, the environment and the policy
// file into one Config, and reports everything that is wrong with them at once.
//
// The table Options says all there is to say about an option. Parsing, the
// inputs in action.yml, the tables of the README, the help texts and the JSON
// Schema of the policy file all follow from it.
package config

import "slices"

//go:generate go run ./gen -root ../..

// A Command is what a run does.
type Command string

// The commands.
const (
	// Auto chooses by the event that started the workflow.
	Auto    Command = "auto"
	Traffic Command = "traffic"
	Plan    Command = "plan"
	Propose Command = "propose"
	Apply   Command = "apply"
	Check   Command = "check"
	Demo    Command = "demo"
	Solve   Command = "solve"
)

// Commands describes every command, in the order in which help lists them.
func Commands() []CommandInfo { return slices.Clone(commands) }

// A CommandInfo says what a command is for.
type CommandInfo struct {
	Command Command
	// Help is one line; About tells more, in lines of at most 80 columns.
	Help, About string
	// Examples are command lines, each with a comment above it.
	Examples string
	// CLIOnly commands cannot be run by the action.
	CLIOnly bool
	// Operand names the argument that the command takes besides its flags; ""
	// when it takes none.
	Operand string
}

// Offline tells whether the command touches nothing but what its own arguments
// name: no token, no policy file, no input, no network.
func (c Command) Offline() bool { return c == Demo || c == Solve }

var commands = []CommandInfo{
	{
		Command: Plan,
		Help:    "compute the best placement for the traffic; changes nothing",
		About: `Reads what runs now from the Machines API and where requests entered from
Prometheus, and prints the placement that serves them best for the money, with
its reasons and what it is worth. Changes nothing.`,
		Examples: `  # plan one app
  fly-placer plan --app shop

  # two apps, two weeks of traffic, never in South America
  fly-placer plan --app shop,api --window 14d --exclude-regions sa`,
	},
	{
		Command: Apply,
		Help:    "make a reviewed decision real, without losing capacity",
		About: `Reads the decision file of an app, .fly-placer/<app>.yml, and moves the app's
Machines to what it says: new Machines first, old ones after them. Does nothing
unless what runs is what the decision assumes, and may be run again whenever it
was interrupted: docs/apply.md. Needs a token that may write.

Exit status: 0 when what is decided runs, 1 when not, 2 for bad input.`,
		Examples: `  # what would be done, call by call
  fly-placer apply --app shop --dry-run

  # do it
  fly-placer apply --app shop`,
	},
	{
		Command: Propose,
		Help:    "plan, and keep one pull request with what is decided",
		About: `Makes the plans, and writes what they decide to .fly-placer/<app>.yml on the
branch fly-placer/placement, with one pull request for all apps: opened when
there is something to change, updated when that is something else, closed when
nothing is left. Merging it is the approval that apply acts on: docs/propose.md.
Works on the repository that GITHUB_REPOSITORY names.`,
		Examples: `  # from a desk, with a token that may write contents and pull requests
  export GITHUB_REPOSITORY=acme/shop GITHUB_TOKEN=…
  fly-placer propose --app shop`,
	},
	{
		Command: Check,
		Help:    "try tokens, permissions and metrics, with the fix",
		About: `Tries everything that the other commands need, changes nothing, and prints a
line for each with ✓ or ✗ and what to do about it.

Exit status: 0 when all is well, 1 when something needs you, 2 for bad input.`,
		Examples: `  # before the first plan
  fly-placer check --app shop

  # for a workflow that proposes and applies
  fly-placer check --app shop --propose --apply on-merge`,
	},
	{
		Command: Traffic,
		Help:    "print responses per edge region as JSON",
		About: `Prints the responses that left through each edge region in the window, as one
JSON object, and nothing else: {"ams": 150.0, "iad": 20.0}.`,
		Examples: `  # the last five minutes
  fly-placer traffic --app shop

  # the server errors of the last day
  fly-placer traffic --app shop --window 1d --status 5..`,
	},
	{
		Command: Solve,
		Help:    "answer a problem file, offline, as JSON",
		About: `Reads a placement problem, as plan writes it to report-dir as problem.json, and
prints the optimal placement as JSON, so that every plan can be checked. FILE is
- for standard input. The file also states textbook facility location and
p-median: docs/solve.md. Needs no token and no network.

Exit status: 0 for a placement, 1 when no placement meets every limit or none
was found within the time limit, 2 when the file is wrong.`,
		Examples: `  # check a plan
  fly-placer plan --app shop --report-dir out
  fly-placer solve out/problem.json

  # every number of regions, the runner-up, and why
  fly-placer solve out/problem.json --frontier --explain`,
		CLIOnly: true,
		Operand: "FILE",
	},
	{
		Command: Demo,
		Help:    "tell the whole circle on simulated services; needs no token",
		About: `Starts a simulated Fly.io and GitHub on this machine and has an app planned,
proposed, reviewed, merged, applied and reverted there. Needs no token and no
network.`,
		Examples: `  # the whole idea on one screen
  fly-placer demo

  # keep the simulated services up, to try other commands against them
  fly-placer demo --serve`,
		CLIOnly: true,
	},
	{
		Command: Auto,
		Help:    "what the workflow's event asks for",
		About: `Chooses by the event that started the workflow. pull_request: plan. schedule and
workflow_dispatch: propose with --propose, else plan, which --apply always
applies at once. A push to the default branch: apply with --apply on-merge or
always. Everything else: plan.`,
		Examples: `  # at a desk, the same as plan
  fly-placer auto --app shop`,
	},
}

// A Kind is how the value of an option is written.
type Kind string

// The kinds of values.
const (
	Text     Kind = "text"
	Names    Kind = "names"    // one or more, separated by commas, spaces or line breaks
	Choice   Kind = "choice"   // one of Values
	Choices  Kind = "choices"  // one or more of Values
	Bool     Kind = "bool"     // true or false
	Integer  Kind = "integer"  // from Min to Max
	Fraction Kind = "fraction" // "0.8" or "80%"
	USD      Kind = "usd"      // "12.50" or "$12.50"
	Percent  Kind = "percent"  // "25%", and "0"
	Share    Kind = "share"    // Percent or USD
	Duration Kind = "duration" // "7d", "36h", "80ms"; Min and Max in seconds
	Regexp   Kind = "regexp"
	Region   Kind = "region"  // one code
	Regions  Kind = "regions" // codes and areas
	Counts   Kind = "counts"  // "iad=4, fra=2"
	URL      Kind = "url"
	Path     Kind = "path"
	Secret   Kind = "secret" // an input or the environment, never a flag or a key
)

// A Place tells where in the policy file an option may stand.
type Place int

// The places.
const (
	Nowhere  Place = iota // not in the policy file
	Defaults              // under defaults: only, since it holds for the whole run
	Apps                  // under defaults: and under each app
)

// An Option is one setting: an action input, a flag, and a key of the policy
// file where Place says so.
type Option struct {
	Name  string
	Group string // one of Groups
	// Help is one sentence without its full stop.
	Help string
	// Default is the value, as a user would write it; "" means that unset has
	// a meaning of its own, which DefaultNote says in words.
	Default, DefaultNote string
	// Example is a value as a user would write it.
	Example string
	// Values are all there are, for Choice and Choices.
	Values []string
	// Min and Max bound Integer, Fraction, USD, Percent (in percent) and
	// Duration (in seconds). MinOpen leaves out Min itself.
	Min, Max float64
	MinOpen  bool
	// Pattern is what Text and each of Names must match, Shape the same in words.
	Pattern, Shape string
	// Env is the variable that is read when neither flag nor input is set.
	Env string
	// ActionDefault is the default of the input in action.yml. Options that
	// may stand in the policy file have none there: the runner passes defaults
	// as if they were set, so they would override the file.
	ActionDefault string
	Place         Place
	// Commands that use the option; nil: plan. What plan uses propose does, too,
	// and auto what any of plan, propose and apply uses.
	Commands []Command
	// CLIOnly options are flags and no inputs.
	CLIOnly bool

	value value
}

// A Group is a heading under which options are listed.
const (
	GroupRun     = "What to do"
	GroupAccess  = "Access"
	GroupDemand  = "Traffic that counts"
	GroupWorth   = "What it is worth"
	GroupLimits  = "Limits"
	GroupPropose = "Proposing"
	GroupApply   = "Applying"
	GroupReports = "Reports"
)

// Groups lists the headings in order.
func Groups() []string {
	return []string{GroupRun, GroupAccess, GroupDemand, GroupWorth, GroupLimits, GroupApply, GroupPropose, GroupReports}
}

// Kind is how the option's value is written.
func (o Option) Kind() Kind { return o.value.kind }

// AppliesTo tells whether command uses the option.
func (o Option) AppliesTo(command Command) bool {
	uses := o.Commands
	if uses == nil {
		uses = []Command{Plan}
	}
	has := func(c Command) bool { return slices.Contains(uses, c) }
	switch command {
	case Propose:
		return has(Propose) || has(Plan)
	case Auto:
		return has(Auto) || has(Plan) || has(Propose) || has(Apply)
	default:
		return has(command)
	}
}

// Input tells whether the option is an input of the action.
func (o Option) Input() bool { return !o.CLIOnly }

// Flag tells whether the option is a flag of the command line.
func (o Option) Flag() bool { return o.Kind() != Secret && o.Name != "command" }

// EnvName is the variable in which the runner passes the input: upper case,
// hyphens kept (actions/runner, Handlers/Handler.cs).
func (o Option) EnvName() string { return inputName(o.Name) }

func lookup(name string) (Option, bool) {
	i := slices.IndexFunc(options, func(o Option) bool { return o.Name == name })
	if i < 0 {
		return Option{}, false
	}
	return options[i], true
}
