package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fly-placer/fly-placer/internal/config"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/secret"
)

const (
	flyToken     = "FlyV1 fm2_lJPECAAAAAAAE4qSxBBkFmPz,fm2_aGVsbG8gd29ybGQK"
	metricsToken = "fm2_cmVhZG9ubHkgdG9rZW4K"
	githubToken  = "ghs_16C7e42F292c6912E7710c838347Ae178B4a"
)

// ready is an environment in which nothing more is needed.
func ready(more ...string) []string {
	return append([]string{"FLY_API_TOKEN=" + flyToken, "FLY_APP_NAME=shop", "GITHUB_ACTIONS=true"}, more...)
}

func load(args, env []string, policy string) (config.Config, error) {
	in := config.Parse(config.Source{Args: args, Environ: env})
	var file []byte
	if policy != "" {
		file = []byte(policy)
	}
	return in.WithPolicy(file, ".github/fly-placer.yml")
}

func mustLoad(t *testing.T, args, env []string, policy string) config.Config {
	t.Helper()
	cfg, err := load(args, env, policy)
	if err != nil {
		t.Fatalf("args %q, policy %q: %v", args, policy, err)
	}
	return cfg
}

func TestDefaults(t *testing.T) {
	got := mustLoad(t, nil, ready(), "")
	want := config.Config{
		Command: config.Auto,
		Apps: []config.AppConfig{{Name: "shop", Policy: plan.Policy{
			Window: 7 * 24 * time.Hour, ValuePerMS: 0.005, ChangeCost: plan.ChangeCost{Share: 0.02},
			MaxCostIncrease: 0.25, MinRegions: 1, MinMachines: 2, MaxMachines: 200, MinMachinesPerRegion: 1,
			Survive: placement.Machine, TargetUtilization: 0.8, MinRequests: 1000, BackendRoundTrips: 1, ColdStart: time.Second,
		}, Apply: config.ApplyConfig{
			Decision: ".fly-placer/shop.yml", MaxPlanAge: 7 * 24 * time.Hour,
			Soak: 10 * time.Second, StartTimeout: 5 * time.Minute, LockTimeout: 15 * time.Minute,
		}}},
		FlyToken: secret.New(flyToken), MetricsToken: secret.New(flyToken),
		FlyAPIURL: "https://api.machines.dev", FlyGraphQLURL: "https://api.fly.io/graphql",
		PolicyPath: ".github/fly-placer.yml", TrafficWindow: 5 * time.Minute, TimeLimit: 10 * time.Second,
		Comment: "auto", LogFormat: "text", APIRate: 1, Apply: config.Never,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("defaults (-want +got):\n", diff)
	}
}

func TestPrecedence(t *testing.T) {
	const (
		flag     = "--max-regions=2"
		input    = "INPUT_MAX-REGIONS=3"
		app      = "apps:\n  shop: {max-regions: 4}\n"
		defaults = "defaults: {max-regions: 5}\n"
	)
	tests := map[string]struct {
		args, env []string
		policy    string
		want      int
	}{
		"nothing set":                    {want: 0},
		"defaults of the file":           {policy: defaults, want: 5},
		"the app over the defaults":      {policy: defaults + app, want: 4},
		"the input over the file":        {env: []string{input}, policy: defaults + app, want: 3},
		"the flag over the input":        {args: []string{flag}, env: []string{input}, policy: defaults + app, want: 2},
		"the flag over the file":         {args: []string{flag}, policy: app, want: 2},
		"another app's options":          {policy: "apps:\n  api: {max-regions: 4}\n", want: 0},
		"an empty flag is unset":         {args: []string{"--max-regions="}, env: []string{input}, want: 3},
		"an empty input is unset":        {env: []string{"INPUT_MAX-REGIONS= "}, policy: defaults, want: 5},
		"an empty key is unset":          {policy: defaults + "apps:\n  shop:\n    max-regions:\n", want: 5},
		"an app without options":         {policy: defaults + "apps:\n  shop:\n", want: 5},
		"a file of comments only":        {policy: "# nothing yet\n", want: 0},
		"hyphens of an input stay":       {env: []string{"INPUT_MAX_REGIONS=3"}, want: 0},
		"the last of two variables wins": {env: []string{"INPUT_MAX-REGIONS=9", input}, want: 3},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := mustLoad(t, test.args, ready(test.env...), test.policy)
			if got := cfg.Apps[0].Policy.MaxRegions; got != test.want {
				t.Errorf("max-regions is %d, want %d", got, test.want)
			}
		})
	}
}

// samples has a value other than the default for each option.
var samples = map[string]string{
	"app": "api, shop", "config": "policy.yml", "org": "my-org",
	"prometheus-url": "https://api.fly.io/prometheus/my-org", "fly-api-url": "http://127.0.0.1:8080/", "fly-graphql-url": "https://example.com/graphql",
	"process-group": "web, worker", "window": "36h", "status": "2..", "min-requests": "50", "latency-matrix": "data/latency.csv",
	"value-per-ms": "$0.01", "change-cost": "12.50", "max-cost-increase": "10%", "max-monthly-cost": "99.5", "prices": "prices.json",
	"max-p95-latency": "80ms", "min-regions": "2", "max-regions": "5", "min-machines": "3", "max-machines": "20",
	"min-machines-per-region": "2", "min-in-region": "iad=4, fra=2", "require-regions": "iad, fra", "exclude-regions": "sa, hkg",
	"allow-regions": "eu, na", "survive": "none", "backend-region": "fra", "backend-round-trips": "2.5", "cold-start": "400ms", "transfer-pricing": "flat", "target-utilization": "0.5", "max-changes": "4", "allow-litefs": "true",
	"decision": "placement/<app>.yaml", "dry-run": "true", "max-plan-age": "30d", "egress": "ignore", "soak": "0s", "start-timeout": "90s",
	"lock-timeout": "1h", "api-rate": "0.5",
	"comment": "never", "comment-key": "shop-eu", "report-dir": "out", "log-format": "json", "fail-on": "error, changes, drift",
	"propose": "true", "apply": "on-merge", "require-approvals": "2", "labels": "infrastructure, fly", "reviewers": "octocat, acme/sre",
	"draft": "true", "base": "release/v2",
}

func TestEveryOptionByFlagInputAndFile(t *testing.T) {
	for _, o := range config.Options() {
		if o.Kind() == config.Secret || o.Name == "command" || o.CLIOnly {
			continue
		}
		t.Run(o.Name, func(t *testing.T) {
			value, ok := samples[o.Name]
			if !ok {
				t.Fatal("no sample value: add one")
			}
			command := "auto"
			if o.AppliesTo(config.Plan) {
				command = "plan"
			}
			byFlag := mustLoad(t, []string{command, "--" + o.Name, value}, ready(), "version: 1")
			if cmp.Equal(mustLoad(t, []string{command}, ready(), "version: 1"), byFlag) {
				t.Error("the flag changes nothing")
			}
			byInput := mustLoad(t, []string{command}, ready(o.EnvName()+"="+value), "version: 1")
			if diff := cmp.Diff(byFlag, byInput); diff != "" {
				t.Error("the input differs from the flag:\n", diff)
			}
			if o.Place == config.Nowhere {
				return
			}
			policies := []string{fmt.Sprintf("defaults:\n  %s: %s\n", o.Name, value)}
			if o.Place == config.Apps {
				policies = append(policies, fmt.Sprintf("apps:\n  shop:\n    %s: %q\n", o.Name, value))
			}
			switch o.Kind() {
			case config.Names, config.Choices, config.Regions:
				policies = append(policies, fmt.Sprintf("defaults:\n  %s: [%s]\n", o.Name, value))
			case config.Counts:
				policies = append(policies, fmt.Sprintf("defaults:\n  %s: {%s}\n", o.Name, strings.ReplaceAll(value, "=", ": ")))
			}
			for _, policy := range policies {
				if diff := cmp.Diff(byFlag, mustLoad(t, []string{command}, ready(), policy)); diff != "" {
					t.Errorf("%q differs from the flag:\n%s", policy, diff)
				}
			}
		})
	}
}

func TestValuesAreRead(t *testing.T) {
	var inputs []string
	for name, value := range samples {
		inputs = append(inputs, "INPUT_"+strings.ToUpper(name)+"="+value)
	}
	cfg := mustLoad(t, []string{"plan"}, ready(inputs...), "version: 1")
	shop := plan.Policy{
		ProcessGroups: []string{"web", "worker"}, Window: 36 * time.Hour, Status: "2..", MinRequests: 50,
		ValuePerMS: 0.01, ChangeCost: plan.ChangeCost{USD: 12.5}, MaxCostIncrease: 0.1, MaxMonthlyCost: 99.5,
		MaxP95Latency: 80 * time.Millisecond, MinRegions: 2, MaxRegions: 5, MinMachines: 3, MinMachinesSet: true, MaxMachines: 20,
		MinMachinesPerRegion: 2, MinInRegion: map[region.Code]int{"iad": 4, "fra": 2},
		Require: []region.Code{"fra", "iad"},
		Exclude: []region.Code{"bog", "eze", "gig", "gru", "hkg", "scl"}, ExcludeAreas: []region.Area{region.SouthAmerica},
		AllowAreas: []region.Area{region.Europe, region.NorthAmerica},
		Allow:      []region.Code{"ams", "arn", "cdg", "dfw", "ewr", "fra", "iad", "lax", "lhr", "ord", "sjc", "yyz"},
		Survive:    placement.None, TargetUtilization: 0.5, MaxChanges: 4, AllowLiteFS: true,
		BackendRegion: "fra", BackendRoundTrips: 2.5, ColdStart: 400 * time.Millisecond, FlatTransfer: true,
	}
	applied := func(app string) config.ApplyConfig {
		return config.ApplyConfig{
			Decision: "placement/" + app + ".yaml", MaxPlanAge: 30 * 24 * time.Hour, IgnoreEgress: true,
			StartTimeout: 90 * time.Second, LockTimeout: time.Hour, Approvals: 2,
		}
	}
	want := config.Config{
		Command: config.Plan,
		Apps: []config.AppConfig{
			{Name: "api", Policy: shop, Org: "my-org", LatencyMatrix: "data/latency.csv", Prices: "prices.json", Apply: applied("api")},
			{Name: "shop", Policy: shop, Org: "my-org", LatencyMatrix: "data/latency.csv", Prices: "prices.json", Apply: applied("shop")},
		},
		FlyToken: secret.New(flyToken), MetricsToken: secret.New(flyToken),
		PrometheusURL: "https://api.fly.io/prometheus/my-org", FlyAPIURL: "http://127.0.0.1:8080", FlyGraphQLURL: "https://example.com/graphql",
		PolicyPath: "policy.yml", TrafficWindow: 5 * time.Minute, TimeLimit: 10 * time.Second,
		Comment: "never", CommentKey: "shop-eu", ReportDir: "out", LogFormat: "json", FailOn: config.FailOn{Changes: true, Drift: true}, DryRun: true, APIRate: 0.5,
		Propose: true, Apply: config.OnMerge, Labels: []string{"fly", "infrastructure"}, Reviewers: []string{"acme/sre", "octocat"}, Draft: true, Base: "release/v2",
	}
	if diff := cmp.Diff(want, cfg); diff != "" {
		t.Error("(-want +got):\n", diff)
	}
}

func TestAreasAreKeptAndStandForTheirRegions(t *testing.T) {
	tests := map[string]struct {
		policy string
		want   plan.Policy
	}{
		"out of an area, whether its regions run Machines or not": {
			"exclude-regions: [apac, ams, APAC]",
			plan.Policy{
				ExcludeAreas: []region.Area{region.APAC},
				Exclude:      []region.Code{"ams", "bom", "dxb", "hkg", "maa", "mel", "nrt", "sin", "syd"},
			},
		},
		"only where Machines run": {
			"allow-regions: [sa, apac]",
			plan.Policy{
				AllowAreas: []region.Area{region.APAC, region.SouthAmerica},
				Allow:      []region.Code{"bom", "gru", "nrt", "sin", "syd"},
			},
		},
		"codes are no areas": {
			"{exclude-regions: [hkg], allow-regions: iad}",
			plan.Policy{Exclude: []region.Code{"hkg"}, Allow: []region.Code{"iad"}},
		},
		"an area demands its regions that run Machines": {
			"require-regions: sa", plan.Policy{Require: []region.Code{"gru"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := mustLoad(t, []string{"plan"}, ready(), "defaults:\n  "+test.policy).Apps[0].Policy
			got := plan.Policy{
				Require: p.Require, Exclude: p.Exclude, ExcludeAreas: p.ExcludeAreas, Allow: p.Allow, AllowAreas: p.AllowAreas,
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error("(-want +got):\n", diff)
			}
		})
	}
}

func TestSharesAreReadAsPeopleWriteThem(t *testing.T) {
	for policy, want := range map[string]plan.Policy{
		"max-cost-increase: 0":       {TargetUtilization: 0.8},
		"max-cost-increase: 0%":      {TargetUtilization: 0.8},
		"max-cost-increase: '0.0'":   {TargetUtilization: 0.8},
		"max-cost-increase: 12.5 %":  {TargetUtilization: 0.8, MaxCostIncrease: 0.125},
		"target-utilization: 0.7":    {TargetUtilization: 0.7, MaxCostIncrease: 0.25},
		"target-utilization: 70%":    {TargetUtilization: 0.7, MaxCostIncrease: 0.25},
		"target-utilization: 12.5 %": {TargetUtilization: 0.125, MaxCostIncrease: 0.25},
		"target-utilization: 100%":   {TargetUtilization: 1, MaxCostIncrease: 0.25},
	} {
		p := mustLoad(t, []string{"plan"}, ready(), "defaults: {"+policy+"}").Apps[0].Policy
		got := plan.Policy{TargetUtilization: p.TargetUtilization, MaxCostIncrease: p.MaxCostIncrease}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", policy, diff)
		}
	}
}

func TestTrafficWindowIgnoresThePolicy(t *testing.T) {
	tests := map[string]struct {
		args, env []string
		want      time.Duration
	}{
		"unset":                 {want: 5 * time.Minute},
		"the flag":              {args: []string{"--window", "90s"}, want: 90 * time.Second},
		"the input":             {env: []string{"INPUT_WINDOW=14d"}, want: 14 * 24 * time.Hour},
		"the flag before input": {args: []string{"--window=1h"}, env: []string{"INPUT_WINDOW=14d"}, want: time.Hour},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := mustLoad(t, append([]string{"traffic"}, test.args...), ready(test.env...), "defaults: {window: 3d}")
			if cfg.Command != config.Traffic || cfg.TrafficWindow != test.want {
				t.Errorf("%s for %v, want traffic for %v", cfg.Command, cfg.TrafficWindow, test.want)
			}
		})
	}
	if cfg := mustLoad(t, []string{"plan", "--window", "2d"}, ready(), ""); cfg.TrafficWindow != 5*time.Minute {
		t.Errorf("the plan's window became that of traffic: %v", cfg.TrafficWindow)
	}
}

func TestApps(t *testing.T) {
	const policy = "apps: {web: {max-regions: 2}, api: {}}"
	token := "FLY_API_TOKEN=" + flyToken
	tests := map[string]struct {
		args, env []string
		policy    string
		want      []string
	}{
		"by a flag":                    {args: []string{"--app", "shop"}, want: []string{"shop"}},
		"commas, blanks, line breaks":  {env: []string{"INPUT_APP=b, a\nc d,\r\n"}, want: []string{"a", "b", "c", "d"}},
		"a repeated flag, each once":   {args: []string{"--app", "b", "--app=a", "--app", "b"}, want: []string{"a", "b"}},
		"those of the file, by name":   {policy: policy, want: []string{"api", "web"}},
		"the variable before the file": {env: []string{"FLY_APP_NAME=shop"}, policy: policy, want: []string{"shop"}},
		"the input before the variable": {
			env: []string{"INPUT_APP=web", "FLY_APP_NAME=shop"}, policy: policy, want: []string{"web"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := mustLoad(t, append([]string{"plan"}, test.args...), append(test.env, token), test.policy)
			var got []string
			for _, app := range cfg.Apps {
				got = append(got, app.Name)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("apps are %q, want %q", got, test.want)
			}
		})
	}
	_, err := load([]string{"plan"}, []string{token}, "defaults: {window: 2d}")
	if err == nil || err.Error() != "app: no app is named" || len(hint.Of(err)) != 1 {
		t.Errorf("without an app: %v, next steps %q", err, hint.Of(err))
	}
}

func TestAppsThatThePolicyFileLeavesOutAreNoted(t *testing.T) {
	const others = " is not under apps: in .github/fly-placer.yml, which lists "
	for name, test := range map[string]struct{ app, policy, want string }{
		"a file without apps":    {"shop", "defaults: {window: 2d}", ""},
		"an app of the file":     {"shop", "apps: {shop: {}, api: {}}", ""},
		"another":                {"shop", "apps: {api: {}}", "shop" + others + "api: only its defaults hold"},
		"the nearest name first": {"shop", "apps: {api: {}, shop-eu: {}, shops: {}, web: {}}", "shop" + others + "shops, api, shop-eu and web: only its defaults hold"},
		"a few of many":          {"shop", "apps: {a1: , a2: , a3: , a4: , a5: , a6: , a7: }", "shop" + others + "a1, a2, a3, a4, a5 and 2 more: only its defaults hold"},
		"each":                   {"api, shop, web", "apps: {shop: {}}", "api" + others + "shop: only its defaults hold\nweb" + others + "shop: only its defaults hold"},
	} {
		cfg := mustLoad(t, []string{"plan", "--app", test.app}, ready(), test.policy)
		if got := strings.Join(cfg.PolicyNotes, "\n"); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

func TestMinMachinesKnowsWhetherItWasSet(t *testing.T) {
	for policy, want := range map[string]bool{"": false, "defaults: {min-machines: 2}": true, "apps: {shop: {min-machines: 1}}": true} {
		if got := mustLoad(t, nil, ready(), policy).Apps[0].Policy.MinMachinesSet; got != want {
			t.Errorf("%q: set is %v, want %v", policy, got, want)
		}
	}
}

func TestGraphQLURLFollowsTheMachinesAPI(t *testing.T) {
	cfg := mustLoad(t, []string{"--fly-api-url", "http://localhost:4280/"}, ready(), "")
	if cfg.FlyAPIURL != "http://localhost:4280" || cfg.FlyGraphQLURL != "http://localhost:4280/graphql" {
		t.Errorf("got %s and %s", cfg.FlyAPIURL, cfg.FlyGraphQLURL)
	}
}

func TestPolicyFileThatWasNamedMustExist(t *testing.T) {
	in := config.Parse(config.Source{Args: []string{"plan", "--config", "p.yml"}, Environ: ready()})
	if in.PolicyPath != "p.yml" || !in.PolicySet {
		t.Errorf("path %q, set %v", in.PolicyPath, in.PolicySet)
	}
	if _, err := in.WithPolicy(nil, in.PolicyPath); err == nil || err.Error() != `--config "p.yml": there is no such file` {
		t.Errorf("got %v", err)
	}
	if _, err := in.WithPolicy([]byte{}, in.PolicyPath); err != nil {
		t.Errorf("an empty file is no policy: %v", err)
	}
	if in := config.Parse(config.Source{Environ: ready()}); in.PolicySet || in.PolicyPath != ".github/fly-placer.yml" {
		t.Errorf("unset: path %q, set %v", in.PolicyPath, in.PolicySet)
	}
}

func TestDemoNeedsNothing(t *testing.T) {
	for _, serve := range []bool{false, true} {
		args := []string{"demo"}
		if serve {
			args = append(args, "--serve")
		}
		cfg, err := load(args, []string{"INPUT_WINDOW=nonsense", "FLY_APP_NAME=?"}, "")
		if err != nil || cfg.Command != config.Demo || cfg.Serve != serve {
			t.Errorf("%q: %+v, %v", args, cfg, err)
		}
	}
}

func TestSolveNeedsNothingButItsFile(t *testing.T) {
	env := []string{"INPUT_WINDOW=nonsense", "INPUT_COMMAND=plan", "FLY_APP_NAME=?", "FLY_API_TOKEN=x"}
	cfg, err := load([]string{"solve", "out/problem.json", "--explain", "--time-limit", "1m"}, env, "nonsense: true")
	if err != nil || cfg.Command != config.Solve || cfg.ProblemFile != "out/problem.json" || !cfg.Explain || cfg.Frontier || cfg.TimeLimit != time.Minute {
		t.Errorf("%+v, %v", cfg, err)
	}
	cfg, err = load([]string{"solve", "-"}, nil, "")
	if err != nil || cfg.ProblemFile != "-" || cfg.Explain || cfg.TimeLimit != 10*time.Second {
		t.Errorf("%+v, %v", cfg, err)
	}
	_, err = load([]string{"solve"}, nil, "")
	if got := hint.Of(err); len(got) != 1 || !strings.Contains(got[0], "fly-placer solve FILE") {
		t.Errorf("%v: next steps %q", err, got)
	}
	// The action has no solve.
	if _, err := load(nil, ready("INPUT_COMMAND=solve"), ""); err == nil {
		t.Error("the input takes the command solve")
	}
}

func TestExampleOfTheDocumentation(t *testing.T) {
	file, err := os.ReadFile("../../docs/examples/policy.yml")
	if err != nil {
		t.Fatal(err)
	}
	in := config.Parse(config.Source{Args: []string{"plan"}, Environ: []string{"FLY_API_TOKEN=" + flyToken}})
	cfg, err := in.WithPolicy(file, "docs/examples/policy.yml")
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Apps) != 3 || cfg.Apps[0].Name != "api" || cfg.Apps[0].Policy.ChangeCost.USD != 5 ||
		cfg.Apps[2].Policy.MinInRegion["fra"] != 2 || cfg.Apps[2].Policy.MaxMonthlyCost != 250 {
		t.Errorf("the example means something else: %+v", cfg.Apps)
	}
}

func TestConfigHoldsNoTextOfItsTokens(t *testing.T) {
	env := ready("FLY_METRICS_TOKEN="+metricsToken, "GITHUB_TOKEN="+githubToken)
	in := config.Parse(config.Source{Args: []string{"plan"}, Environ: env})
	cfg, err := in.WithPolicy(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	printed := fmt.Sprintf("%v %+v %#v %s %v %+v %#v", cfg, cfg, cfg, encoded, in, in, in)
	for _, token := range []string{flyToken, metricsToken, githubToken} {
		for _, part := range secret.New(token).Parts() {
			if strings.Contains(printed, part) {
				t.Errorf("printing shows %q", part)
			}
		}
	}
	if cfg.FlyToken.Reveal() != flyToken || cfg.MetricsToken.Reveal() != metricsToken || cfg.GitHubToken.Reveal() != githubToken {
		t.Error("a token was not read")
	}
	if in.GitHubToken.Reveal() != githubToken {
		t.Error("the token for reading the policy file is missing")
	}
}

func usage(t *testing.T, err error) *config.UsageError {
	t.Helper()
	var wrong *config.UsageError
	if !errors.As(err, &wrong) {
		t.Fatalf("got %v, want a usage error", err)
	}
	return wrong
}
