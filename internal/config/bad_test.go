package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/config"
	"github.com/fly-placer/fly-placer/internal/hint"
)

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run make golden and read the difference. got:\n%s", file, got)
	}
}

// lines shows problems and next steps as people see them.
func lines(err error) string {
	if err == nil {
		return "nothing is wrong\n"
	}
	var b strings.Builder
	for line := range strings.SplitSeq(err.Error(), "\n") {
		b.WriteString(line + "\n")
	}
	for _, step := range hint.Of(err) {
		b.WriteString("  next: " + step + "\n")
	}
	return b.String()
}

// bad has wrong values for each option.
var bad = map[string][]string{
	"app":                     {"Shop", "-shop", "*", "shop/../api", strings.Repeat("a", 64), "one, Two, -three", ","},
	"config":                  {"a\x00b", strings.Repeat("x", 1001)},
	"org":                     {"My Org", "a/b", strings.Repeat("a", 64)},
	"prometheus-url":          {"http://metrics.example.com", "ftp://example.com", "api.fly.io", "https://", "https://user:hunter2@example.com", "https://example.com/?token=hunter2", "https://example.com/#x", "https://exa mple.com", "mailto:x", "http://127.0.0.1.example.com"},
	"fly-api-url":             {"http://api.machines.dev"},
	"fly-graphql-url":         {"//example.com"},
	"process-group":           {"web server!", "ünicode"},
	"window":                  {"7", "1h", "15d", "36.5h", "1d1s", "-1d", "d", "week", "1e3d", "99999999999999w", "1.2.3d"},
	"status":                  {"2[", "(?P<", strings.Repeat("2", 1001)},
	"min-requests":            {"-1", "0.5", "NaN", "many", "1e99"},
	"latency-matrix":          {"a\nb"},
	"value-per-ms":            {"-0.1", "inf", "0x10", "1_000", "€5", "$-1"},
	"change-cost":             {"-2%", "two", "NaN%", "101%", "-1", "%", "$"},
	"max-cost-increase":       {"25", "0.25", "-1%", "Inf%", "%", "0.0001"},
	"max-monthly-cost":        {"0", "-5", "$0", "1e400", "lots"},
	"prices":                  {"\x7f"},
	"max-p95-latency":         {"80", "0ms", "-1ms", "2m"},
	"min-regions":             {"0", "-1", "two", "1.5", "1001"},
	"max-regions":             {"0", "all"},
	"min-machines":            {"0", "99999999999999999999"},
	"max-machines":            {"0"},
	"min-machines-per-region": {"0"},
	"min-in-region":           {"iad", "iad=0", "iad=x", "iax=2", "iad=1,iad=2", ",", "=", "eu=2"},
	"require-regions":         {"iax", "london", "xyz", "iad, jfk, qqq", "IAD FRO", ",", strings.Repeat("q", 41)},
	"exclude-regions":         {"us-east-1"},
	"allow-regions":           {"europe"},
	"survive":                 {"regions", "Machine", "machines"},
	"backend-region":          {"iax", "eu", "iad, fra", strings.Repeat("q", 41)},
	"backend-round-trips":     {"-1", "many", "1001"},
	"cold-start":              {"1", "-1s", "2m"},
	"transfer-pricing":        {"public", "Granular"},
	"target-utilization":      {"0", "1.01", "0%", "101%", "80 percent", "%", "NaN", "-0.5"},
	"max-changes":             {"0", "half"},
	"allow-litefs":            {"yes", "1"},
	"decision":                {"a\nb"},
	"dry-run":                 {"no", "2"},
	"max-plan-age":            {"7", "1s", "0s", "366d", "-1d"},
	"egress":                  {"off", "Strict"},
	"soak":                    {"10", "-1s", "2h"},
	"start-timeout":           {"0s", "2h"},
	"lock-timeout":            {"15", "4h"},
	"api-rate":                {"0", "0.0", "0%", "-1", "101", "fast"},
	"comment":                 {"true", "always"},
	"comment-key":             {"-->", "a  b", strings.Repeat("k", 101), "a\nb"},
	"report-dir":              {"a\tb"},
	"log-format":              {"xml"},
	"fail-on":                 {"drifts", "errors", "error, change"},
	"propose":                 {"yes"},
	"apply":                   {"true", "on merge", "On-merge"},
	"require-approvals":       {"-1", "one", "101"},
	"labels":                  {strings.Repeat("l", 51), ","},
	"reviewers":               {"@octocat", "a/b/c", "-x"},
	"draft":                   {"1"},
	"base":                    {"refs//x", "a b", "-x", "x/../y", "x..y"},
}

func TestBadValues(t *testing.T) {
	var b strings.Builder
	for _, o := range config.Options() {
		if o.Kind() == config.Secret || o.Name == "command" || o.CLIOnly {
			continue
		}
		if len(bad[o.Name]) == 0 {
			t.Errorf("%s: no bad value: add one", o.Name)
		}
		for _, value := range bad[o.Name] {
			_, err := load(nil, ready(o.EnvName()+"="+value), "version: 1")
			if err == nil {
				t.Errorf("input %s takes %q", o.Name, value)
				continue
			}
			for _, p := range usage(t, err).Problems {
				if p.Option != o.Name {
					t.Errorf("input %s = %q is blamed on %q", o.Name, value, p.Option)
				}
			}
			b.WriteString(lines(err))
		}
	}
	if strings.Contains(b.String(), "hunter2") {
		t.Error("a password is shown")
	}
	golden(t, "bad-values.txt", b.String())
}

func TestEverythingWrongIsReportedAtOnce(t *testing.T) {
	const policy = `version: 2
default:
  window: 7d
defaults:
  max-region: 3
  min-regions: 0
  fly-api-token: fm2_hunter2
  prometheus-url: https://example.com
  app: shop
  config: x
  survive: [machine]
  require-regions: [iad, iax]
  min-in-region: {fra: two, xxx: 1}
  report-dir: ../out
  window: 1h
  window: 2d
apps:
  Shop:
    max-regions: 2
  shop:
    log-format: json
    exclude-regions: {eu: true}
    target-utilization: .nan
    allow-litefs: maybe
`
	args := []string{"plan", "--nope", "--max-regions", "many", "--github-token=" + githubToken}
	env := []string{"INPUT_APP=shop, -x", "INPUT_FLY-API-TOKEN=FlyV1", "INPUT_FAIL-ON=never", "FLY_PROMETHEUS_URL=http://example.com"}
	_, err := load(args, env, policy)
	golden(t, "all-at-once.txt", lines(err))
	wrong := usage(t, err)
	i := slices.IndexFunc(wrong.Problems, func(p config.Problem) bool { return p.Option == "min-regions" })
	if p := wrong.Problems[i]; p.File != ".github/fly-placer.yml" || p.Line != 6 {
		t.Errorf("an annotation goes to %s:%d, want line 6 of the file", p.File, p.Line)
	}
}

func TestPolicyFilesThatAreNone(t *testing.T) {
	files := []string{
		"apps: [shop, api]", "just words", "- a\n- b", "defaults: 7", "a: b: c", "\tx: 1", "defaults: {window: 7d", "defaults: {? [a] : 1}",
		"x: &a [1]\ndefaults: *a", "defaults: &d {window: 2d}\napps: {shop: *d}", "defaults: {<<: {window: 2d}}", "window: 7d", "fly-api-token: x",
		"version: 1\n---\nversion: 1", "defaults: {}\ndefaults: {}", "defaults: {status: !!binary aGk=}", "defaults: {process-group: [web, [worker]]}",
		"defaults: {process-group: [web, '']}", "defaults: {survive: {a: b}}", "defaults: {min-in-region: {iad: [1]}}", "defaults: {min-in-region: {iad: 1, IAD: 2}}",
		"\x00", "a: \xc3\x28", "defaults: {status: \"\\q\"}", strings.Repeat("#", 256<<10+1),
		"apps: {\"a\\u202eb\": {}}", "defaults: {serve: true}", "defaults: {command: plan}", "defaults: {prices: /etc/passwd}", "Apps: {}",
	}
	var b strings.Builder
	for _, file := range files {
		if len(file) > 200 {
			fmt.Fprintf(&b, "# %d bytes\n", len(file))
		} else {
			fmt.Fprintf(&b, "# %q\n", file)
		}
		_, err := load([]string{"plan"}, ready(), file)
		if err == nil {
			t.Errorf("taken for a policy: %q", file)
		}
		b.WriteString(lines(err))
	}
	golden(t, "bad-files.txt", b.String())
}

// Whatever is put in the place of a policy, the answer comes soon and is short.
func TestFilesOfAnotherKindAreRefusedSoon(t *testing.T) {
	const size = 100 << 10
	fill := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, file := range map[string]string{
		"one long word":     "defaults: {require-regions: " + strings.Repeat("q", size) + "}",
		"unknown regions":   "defaults: {require-regions: [" + strings.Repeat("qqq,", size/4) + "]}",
		"unknown keys":      "defaults:\n" + fill("  k%d: x\n"),
		"bad apps":          "apps:\n" + fill("  a%d: {require-regions: qqq}\n"),
		"contradictions":    "apps:\n" + fill("  a%d: {min-regions: 3, max-regions: 2}\n"),
		"the same key":      "defaults:\n" + strings.Repeat("  x: 1\n", size/8),
		"nested lists":      strings.Repeat("[", size),
		"nested mappings":   strings.Repeat("{a: ", size/4),
		"a thousand tokens": "defaults:\n" + fill("  fm2_hunter2%d: x\n"),
	} {
		start := time.Now()
		_, err := load([]string{"plan"}, []string{"FLY_API_TOKEN=" + flyToken}, file)
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		if text := usage(t, err).Error(); len(text) > 40<<10 || strings.Contains(text, "hunter2") {
			t.Errorf("%s: %d bytes of message: %.200s", name, len(text), text)
		}
	}
}

func TestContradictingLimits(t *testing.T) {
	const policy = "defaults:\n  max-regions: 2\n  max-machines: 4\n"
	tests := []struct{ args, policy string }{
		{"--min-regions 3", policy},
		{"--min-machines 5", policy},
		{"--max-machines 1", ""},
		{"--require-regions iad,fra,syd", policy},
		{"--require-regions iad,fra --min-in-region syd=1", policy},
		{"--require-regions iad --exclude-regions na", ""},
		{"--require-regions iad,fra --allow-regions eu", ""},
		{"--min-in-region iad=1 --exclude-regions iad", ""},
		{"--min-in-region iad=1 --allow-regions eu", ""},
		{"--min-in-region iad=3,fra=2", policy},
		{"--min-regions 3 --min-machines-per-region 2 --max-regions 5", policy},
		{"--require-regions iad,fra --min-in-region iad=3 --min-machines-per-region 2", policy},
		{"--require-regions mia", ""},
		{"--min-in-region dxb=2", ""},
		{"--allow-regions hkg", ""},
		{"--allow-regions eu --exclude-regions eu", ""},
		{"--allow-regions eu --min-regions 6", ""},
		{"--min-regions 19", ""},
		{"--survive region --max-regions 1", ""},
		{"--survive region --allow-regions iad", ""},
		{"", "defaults: {min-regions: 2}\napps:\n  shop:\n    max-regions: 1\n"},
	}
	var b strings.Builder
	for _, test := range tests {
		fmt.Fprintf(&b, "# %s\n", test.args)
		_, err := load(append([]string{"plan"}, strings.Fields(test.args)...), ready(), test.policy)
		if err == nil {
			t.Errorf("no contradiction in %q, %q", test.args, test.policy)
		}
		b.WriteString(lines(err))
	}
	golden(t, "contradictions.txt", b.String())
}

func TestLimitsThatJustFit(t *testing.T) {
	for _, args := range []string{
		"--min-regions 2 --max-regions 2",
		"--min-machines 4 --max-machines 4",
		"--min-machines 1 --max-machines 1",
		"--require-regions iad,fra --max-regions 2",
		"--require-regions iad --allow-regions iad",
		"--require-regions eu --exclude-regions na",
		"--min-in-region iad=2,fra=2 --max-machines 4",
		"--min-regions 2 --min-machines-per-region 2 --max-machines 4",
		"--allow-regions eu --min-regions 5",
		"--exclude-regions hkg",
	} {
		if _, err := load(append([]string{"plan"}, strings.Fields(args)...), ready(), ""); err != nil {
			t.Errorf("%s: %v", args, err)
		}
	}
	// traffic places nothing, so limits that contradict each other don't concern it
	if _, err := load([]string{"traffic"}, ready(), "defaults: {min-regions: 3, max-regions: 2}"); err != nil {
		t.Errorf("traffic: %v", err)
	}
}

func FuzzPolicyFile(f *testing.F) {
	example, err := os.ReadFile("../../docs/examples/policy.yml")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		string(example), "", "apps:\n", "defaults: {window: 7d}", "a: &a [*a]", "? : :", "defaults: {min-in-region: {iad: 2}}",
		"--- !!binary\n", "defaults: *x", "version: 1\n...\n%YAML 1.1\n---\n", "apps: {shop: {status: '2..'}}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		in := config.Parse(config.Source{Args: []string{"plan"}, Environ: ready()})
		cfg, err := in.WithPolicy(file, "policy.yml")
		if (err == nil) != (len(cfg.Apps) > 0) {
			t.Fatalf("%d apps with error %v", len(cfg.Apps), err)
		}
		if err == nil {
			return
		}
		for _, p := range usage(t, err).Problems {
			if p.Error() == "" || strings.ContainsAny(p.Error(), "\n\r") {
				t.Fatalf("a problem is not one line: %q", p.Error())
			}
		}
	})
}

func FuzzArguments(f *testing.F) {
	f.Add("plan --app shop", "INPUT_WINDOW=7d")
	f.Add("--", "=")
	f.Add("traffic --window 5m --status=2..", "INPUT_=x")
	f.Add("plan --min-in-region iad=2,fra=1 --change-cost $5", "FLY_APP_NAME=x")
	f.Fuzz(func(t *testing.T, args, env string) {
		in := config.Parse(config.Source{Args: strings.Fields(args), Environ: ready(env), DotEnv: []byte(env)})
		cfg, err := in.WithPolicy(nil, "")
		if in.Help != "" || in.Version || err != nil || cfg.Command == config.Demo {
			return
		}
		if len(cfg.Apps) == 0 || cfg.FlyAPIURL == "" || cfg.LogFormat == "" {
			t.Fatalf("incomplete: %+v", cfg)
		}
	})
}
