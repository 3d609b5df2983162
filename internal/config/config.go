package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fly-placer/fly-placer/internal/endpoint"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/secret"
)

// A Config is everything a run is told, valid and complete. Printing it shows
// no token.
type Config struct {
	Command Command
	// Apps are sorted by name; at least one, except for offline commands and
	// where secrets are withheld.
	Apps []AppConfig
	// Tokens; empty where none is needed, or where secrets are withheld.
	FlyToken, MetricsToken, GitHubToken secret.Token
	// PrometheusURL is "" when it follows from the app's organization:
	// https://api.fly.io/prometheus/<org>. No URL ends with a slash.
	PrometheusURL, FlyAPIURL, FlyGraphQLURL string
	// PolicyPath is where the policy file was looked for.
	PolicyPath string
	// TrafficWindow is the window of the command traffic: 5 minutes unless the
	// flag or input says otherwise.
	TrafficWindow time.Duration
	// Serve keeps the demo's simulated services up.
	Serve bool
	// Of the command solve: the problem file, "-" for standard input, how long
	// to look for each part of the answer, and what to add to it.
	ProblemFile       string
	TimeLimit         time.Duration
	Frontier, Explain bool
	// Of the command auto: whether scheduled runs propose, and when to apply.
	Propose bool
	Apply   ApplyWhen
	// Of the command apply: whether to change nothing, and how many requests a
	// second of a kind the Machines API gets; 0 for no limit.
	DryRun  bool
	APIRate float64
	// Of the pull request with decisions: its labels and who shall review it
	// (logins, organization/team), both sorted, whether it is a draft, and the
	// branch that it is for, "" for the default branch.
	Labels, Reviewers []string
	Draft             bool
	Base              string
	// Comment is "auto" or "never"; CommentKey "" means the workflow and the apps.
	Comment, CommentKey string
	// ReportDir is "" for no files.
	ReportDir string
	// LogFormat is "text" or "json".
	LogFormat string
	FailOn    FailOn
	// Warnings are those of Inputs, sentences for the log; PolicyNotes are more
	// of them, about the policy file.
	Warnings, PolicyNotes []string
}

// An AppConfig is what a run is told about one app.
type AppConfig struct {
	Name   string
	Policy plan.Policy
	// Org is the slug of the organization; "" when it is to be asked for.
	Org string
	// LatencyMatrix and Prices are paths of files; "" for what is built in.
	LatencyMatrix, Prices string
	Apply                 ApplyConfig
}

// An ApplyConfig is how the command apply goes about one app.
type ApplyConfig struct {
	// Decision is the path of the decision file.
	Decision string
	// MaxPlanAge is how old a decision may be.
	MaxPlanAge time.Duration
	// Approvals is how many reviewers must have approved the merged pull request.
	Approvals int
	// IgnoreEgress opens regions although nobody could tell whether the app has
	// static egress IPs.
	IgnoreEgress bool
	// Soak is how long a change is watched, StartTimeout how long new Machines
	// may take, and LockTimeout how long others are waited for.
	Soak, StartTimeout, LockTimeout time.Duration
}

// FailOn says what besides errors, which always do, ends a run with an exit
// status other than 0 (docs/decisions/0005-errors-always-fail.md).
type FailOn struct {
	// Changes: a plan that changes something gives status 3.
	Changes bool
	// Drift: what runs is not what the decision in force placed.
	Drift bool
}

// ApplyWhen says which events make the command auto apply.
type ApplyWhen string

// The values of the option apply.
const (
	Never   ApplyWhen = "never"
	OnMerge ApplyWhen = "on-merge" // a push to the default branch that brings a decision
	Always  ApplyWhen = "always"   // likewise, and scheduled plans at once
)

const trafficWindow = 5 * time.Minute

// WithPolicy adds the policy file, nil when there is none, and returns the
// whole Config, or a *UsageError with everything that is wrong. name is how
// messages call the file; "" is its path.
func (in Inputs) WithPolicy(file []byte, name string) (Config, error) {
	m := &merge{in: in, problems: slices.Clone(in.problems)}
	if in.Command.Offline() {
		m.check(in.values)
		run := m.build(defaultLayer(), in.values).run
		run.ProblemFile = in.operand
		return m.finish(run)
	}
	if file == nil && in.PolicySet {
		m.fail("config", in.values["config"], hint.Wrap(errors.New("there is no such file"),
			"check out the repository before this step, or correct the path"))
	}
	if file != nil {
		policy, problems := readPolicy(file, cmp.Or(name, in.PolicyPath))
		m.file, m.problems = policy, append(m.problems, problems...)
	}
	m.check(in.values)
	m.check(m.file.defaults)
	for _, app := range m.file.apps {
		if len(m.problems) >= maxProblems {
			break
		}
		m.check(app.values)
	}
	base := []layer{defaultLayer(), m.file.defaults}
	all := m.build(append(base, in.values)...)
	cfg := all.run
	cfg.PolicyPath = in.PolicyPath
	cfg.TrafficWindow = m.trafficWindow()
	if cfg.FlyGraphQLURL == "" {
		cfg.FlyGraphQLURL = "https://api.fly.io/graphql"
		if _, set := in.values["fly-api-url"]; set {
			cfg.FlyGraphQLURL = cfg.FlyAPIURL + "/graphql"
		}
	}
	for _, app := range m.appNames(all.appNames) {
		if len(m.problems) >= maxProblems {
			break
		}
		layers := append(slices.Clone(base), m.layerOf(app), in.values)
		one := m.build(layers...).app
		one.Name = app
		one.Apply.Decision = strings.ReplaceAll(one.Apply.Decision, appInPath, app)
		cfg.Apps = append(cfg.Apps, one)
		if in.Command != Traffic {
			m.problems = append(m.problems, contradictions(one.Policy, effective(layers))...)
		}
	}
	m.applying(cfg)
	cfg.PolicyNotes = m.file.notes(cmp.Or(name, in.PolicyPath), cfg.Apps)
	m.tokens(&cfg)
	return m.finish(cfg)
}

// appInPath stands for the app's name in the path of a decision file.
const appInPath = "<app>"

// applying reports what the options of apply say wrong only together.
func (m *merge) applying(cfg Config) {
	if v := m.in.values["decision"]; len(cfg.Apps) > 1 && v.text != "" && !strings.Contains(v.text, appInPath) {
		m.fail("decision", v, fmt.Errorf("names one file for %d apps: put %s where each app's name belongs", len(cfg.Apps), appInPath))
	}
	v, set := m.in.values["api-rate"]
	if !set {
		v = m.file.defaults["api-rate"]
	}
	if u, err := url.Parse(cfg.FlyAPIURL); v.text != "" && cfg.APIRate == 0 && (err != nil || !endpoint.Loopback(u.Hostname())) {
		o, _ := lookup("api-rate")
		if _, err := parseFraction(o, v.text); err == nil { // else it was reported
			m.fail("api-rate", v, errors.New("0 is for a Machines API on this machine only: Fly.io refuses more than 1 a second"))
		}
	}
}

// A merge puts the layers of options together and collects what is wrong.
type merge struct {
	in       Inputs
	file     policyFile
	problems []Problem
}

func (m *merge) fail(option string, v raw, err error) {
	m.problems = append(m.problems, v.problem(option, err))
}

// check reports the values of a layer that no option takes.
func (m *merge) check(values layer) {
	for _, o := range options {
		v, set := values[o.Name]
		if !set {
			continue
		}
		if o.Name == "window" && m.in.Command == Traffic && v.file == "" {
			o = trafficOption(o)
		}
		if err := o.value.set(o, &settings{}, v.text); err != nil {
			if o.Kind() == URL && strings.ContainsAny(v.text, "@?#") { // what follows may be secret
				v.text = ""
			}
			m.fail(o.Name, v, err)
		}
	}
}

// trafficOption is the option window as the command traffic takes it.
func trafficOption(o Option) Option {
	o.Min, o.Default, o.Example = minute, FormatDuration(trafficWindow), "1h"
	o.Help = "How much history counts, from 1m to 14d, whatever the policy file says"
	return o
}

func (m *merge) trafficWindow() time.Duration {
	o, _ := lookup("window")
	if v, set := m.in.values["window"]; set && m.in.Command == Traffic {
		if d, err := parseDuration(trafficOption(o), v.text); err == nil {
			return d
		}
	}
	return trafficWindow
}

// defaultLayer holds the defaults of the table.
func defaultLayer() layer {
	values := layer{}
	for _, o := range options {
		if o.Default != "" {
			values[o.Name] = raw{text: o.Default}
		}
	}
	return values
}

// effective returns what counts when later layers override earlier ones.
func effective(layers []layer) layer {
	values := layer{}
	for _, l := range layers {
		maps.Copy(values, l)
	}
	return values
}

// build reads the layers into settings. Values that are wrong were reported by
// check, and are passed over.
func (m *merge) build(layers ...layer) settings {
	var s settings
	values := effective(layers)
	for _, o := range options {
		if v, set := values[o.Name]; set {
			_ = o.value.set(o, &s, v.text)
		}
	}
	s.run.Command = m.in.Command
	s.app.Policy.MinMachinesSet = values["min-machines"].where != ""
	return s
}

func (m *merge) layerOf(app string) layer {
	for _, a := range m.file.apps {
		if a.name == app {
			return a.values
		}
	}
	return nil
}

// appNames returns the apps to work on: those that were named, else those of
// the policy file.
func (m *merge) appNames(named []string) []string {
	if _, set := m.in.values["app"]; set {
		return named
	}
	var list []string
	for _, a := range m.file.apps {
		list = append(list, a.name)
	}
	if len(list) == 0 && !m.in.withheld && !m.in.lost {
		err := hint.Wrap(errors.New("no app is named"),
			"set the input app or the flag --app, or list your apps under `apps:` in %s", m.in.PolicyPath)
		m.problems = append(m.problems, Problem{Option: "app", Where: "app", Text: err.Error(), cause: err})
	}
	slices.Sort(list)
	return list
}

// tokens sets the tokens, and reports those that are missing.
func (m *merge) tokens(cfg *Config) {
	cfg.FlyToken = m.in.tokens["fly-api-token"]
	cfg.GitHubToken = m.in.tokens["github-token"]
	cfg.MetricsToken = m.in.tokens["metrics-token"]
	fallsBack := takesFlyToken(cfg.PrometheusURL)
	if cfg.MetricsToken.IsZero() && fallsBack {
		cfg.MetricsToken = cfg.FlyToken
	}
	if m.in.withheld || m.in.lost || cfg.Command == Check { // check says itself what is missing
		return
	}
	missing := func(option string, err error) {
		if slices.ContainsFunc(m.problems, func(p Problem) bool { return p.Option == option }) {
			return // there, but wrong
		}
		m.problems = append(m.problems, Problem{Option: option, Where: option, Text: err.Error(), cause: err})
	}
	noFly := cfg.FlyToken.IsZero()
	if noFly && (cfg.Command != Traffic || fallsBack && cfg.MetricsToken.IsZero()) {
		scope := "readonly ORG"
		if cfg.Command == Apply || cfg.Apply == OnMerge || cfg.Apply == Always {
			scope = "deploy -a APP"
		}
		missing("fly-api-token", hint.Wrap(errors.New("not set"),
			"make one with `fly tokens create %s`, store it as a secret, and set the input fly-api-token or the variable FLY_API_TOKEN", scope))
	} else if noFly && cfg.PrometheusURL == "" && slices.ContainsFunc(cfg.Apps, func(a AppConfig) bool { return a.Org == "" }) {
		missing("fly-api-token", hint.Wrap(errors.New("not set, and without it nobody knows the app's organization, whose metrics are read"),
			"set org, or fly-api-token"))
	}
	if cfg.MetricsToken.IsZero() && !fallsBack && cfg.Command != Apply {
		missing("metrics-token", hint.Wrap(
			errors.New("not set, and fly-api-token is sent to api.fly.io and this machine only, not to the prometheus-url you chose"),
			"set the input metrics-token or the variable FLY_METRICS_TOKEN"))
	}
}

// finish returns the Config, or everything that is wrong, each thing once.
func (m *merge) finish(cfg Config) (Config, error) {
	cfg.Warnings = m.in.Warnings
	if len(m.problems) == 0 {
		return cfg, nil
	}
	tokens := slices.Collect(maps.Values(m.in.tokens))
	seen := map[string]bool{}
	var problems []Problem
	for i, p := range m.problems {
		if i >= maxProblems {
			break
		}
		p = p.redacted(tokens)
		if !seen[p.Error()] {
			seen[p.Error()] = true
			problems = append(problems, p)
		}
	}
	// In the order of the file, after what is not in it.
	slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	if len(m.problems) >= maxProblems {
		problems = append(problems, Problem{Text: "there may be more that is wrong than this"})
	}
	return Config{}, &UsageError{Problems: problems}
}
