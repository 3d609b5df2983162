package config

import (
	"slices"
	"time"

	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/region"
)

// Options returns the table of all options, in the order of the documentation.
func Options() []Option { return slices.Clone(options) }

const (
	minute = 60.0
	day    = 24 * 60 * minute

	keyPattern = `^[A-Za-z0-9]+([ ._/,:@-][A-Za-z0-9]+)*$`

	most = 1000    // Machines or regions: more than any limit of Fly.io
	rich = 1000000 // USD: more than any bill
)

var (
	both    = []Command{Plan, Traffic, Check}
	every   = []Command{Plan, Traffic, Apply, Check}
	decided = []Command{Plan, Apply} // what a decision must keep to, as a plan does
	applied = []Command{Apply}
	tried   = []Command{Plan, Check}        // what holds a plan
	seen    = []Command{Plan, Apply, Check} // what a plan and a decision depend on
	options = []Option{
		{
			Name: "command", Group: GroupRun, value: choice(func(s *settings) func(string) {
				return func(v string) { s.run.Command = Command(v) }
			}), Default: "auto", ActionDefault: "auto", Values: []string{"auto", "plan", "propose", "apply", "check", "traffic"}, Commands: every,
			Help: "What to do; `auto` goes by the event, and by `propose` and `apply`",
		},
		{
			Name: "app", Group: GroupRun, value: names(func(s *settings) *[]string { return &s.appNames }),
			DefaultNote: "the apps that the policy file names", Example: "shop, api", Env: "FLY_APP_NAME", Commands: every,
			Pattern: fleet.AppPattern, Shape: "the name of an app: lower-case letters, digits and hyphens, at most 63",
			Help: "One or more apps, separated by commas, spaces or line breaks",
		},
		{
			Name: "config", Group: GroupRun, value: path(func(s *settings) *string { return &s.run.PolicyPath }),
			Default: ".github/fly-placer.yml", Commands: every,
			Help: "The policy file; one that is named here must exist",
		},
		{
			Name: "propose", Group: GroupRun, value: boolean(func(s *settings) *bool { return &s.run.Propose }),
			Default: "false", Commands: []Command{Auto, Check},
			Help: "Of `auto`, on `schedule` and `workflow_dispatch`: keep a pull request with the decisions that the plans make, instead of a plan only",
		},
		{
			Name: "apply", Group: GroupRun, value: choice(func(s *settings) func(string) {
				return func(v string) { s.run.Apply = ApplyWhen(v) }
			}),
			Default: "never", Values: []string{string(Never), string(OnMerge), string(Always)}, Commands: []Command{Auto, Check},
			Help: "Of `auto`: `on-merge` applies decisions that a push to the default branch brings; `always` does that, and on `schedule` and `workflow_dispatch` applies the plan at once, unless it is proposed",
		},
		{
			Name: "serve", Group: GroupRun, value: boolean(func(s *settings) *bool { return &s.run.Serve }),
			Default: "false", Commands: []Command{Demo}, CLIOnly: true,
			Help: "Keep the simulated services up and print the environment to use them",
		},
		{
			Name: "time-limit", Group: GroupRun, value: duration(func(s *settings) *time.Duration { return &s.run.TimeLimit }),
			Default: "10s", Example: "1m", Min: 0.1, Max: 60 * minute, Commands: []Command{Solve}, CLIOnly: true,
			Help: "About how long to look for the placement, and as long again for all of `frontier` and of `explain`; work is limited and not time, so the answer is the same on every machine",
		},
		{
			Name: "frontier", Group: GroupRun, value: boolean(func(s *settings) *bool { return &s.run.Frontier }),
			Default: "false", Commands: []Command{Solve}, CLIOnly: true,
			Help: "Add the best placement for every number of regions",
		},
		{
			Name: "explain", Group: GroupRun, value: boolean(func(s *settings) *bool { return &s.run.Explain }),
			Default: "false", Commands: []Command{Solve}, CLIOnly: true,
			Help: "Add the runner-up, why each region is open or closed, and why not others",
		},

		{
			Name: "fly-api-token", Group: GroupAccess, value: token(), Env: "FLY_API_TOKEN", Commands: every,
			Example: "${{ secrets.FLY_API_TOKEN }}",
			Help:    "Token for the Machines API, as `fly tokens` prints it, with or without its scheme; `apply` needs one that may write (`fly tokens create deploy -a APP`), for the others a read-only one will do",
		},
		{
			Name: "metrics-token", Group: GroupAccess, value: token(), Env: "FLY_METRICS_TOKEN", Commands: every,
			DefaultNote: "`fly-api-token`, when the metrics are on api.fly.io or on this machine",
			Example:     "${{ secrets.FLY_METRICS_TOKEN }}",
			Help:        "Read-only organization token for the metrics",
		},
		{
			Name: "github-token", Group: GroupAccess, value: token(), Env: "GITHUB_TOKEN", ActionDefault: "${{ github.token }}",
			Commands: every,
			Help:     "Token for comments and pull requests, and for the policy and decision files when there is no checkout",
		},
		{
			Name: "org", Group: GroupAccess, value: text(func(s *settings) *string { return &s.app.Org }),
			DefaultNote: "the app's own, then `personal`", Example: "my-org", Place: Apps, Commands: every,
			Pattern: fleet.AppPattern, Shape: "the slug of an organization, as `fly orgs list` prints it",
			Help: "The Fly.io organization whose metrics are read",
		},
		{
			Name: "prometheus-url", Group: GroupAccess, value: address(func(s *settings) *string { return &s.run.PrometheusURL }),
			DefaultNote: "`https://api.fly.io/prometheus/<org>`", Example: "https://api.fly.io/prometheus/my-org",
			Env: "FLY_PROMETHEUS_URL", Commands: every,
			Help: "The Prometheus that holds Fly.io's metrics",
		},
		{
			Name: "fly-api-url", Group: GroupAccess, value: address(func(s *settings) *string { return &s.run.FlyAPIURL }),
			Default: "https://api.machines.dev", Commands: every,
			Help: "The Machines API",
		},
		{
			Name: "fly-graphql-url", Group: GroupAccess, value: address(func(s *settings) *string { return &s.run.FlyGraphQLURL }),
			DefaultNote: "`https://api.fly.io/graphql`, or `<fly-api-url>/graphql` when that is set", Example: "https://api.fly.io/graphql",
			Commands: every,
			Help:     "The GraphQL API",
		},

		{
			Name: "process-group", Group: GroupDemand, value: names(func(s *settings) *[]string { return &s.app.Policy.ProcessGroups }),
			DefaultNote: "every group with a public HTTP service", Example: "web", Place: Apps, Commands: tried,
			Pattern: fleet.GroupPattern, Shape: "the name of a process group: letters, digits, hyphens, dots and underscores, at most 63",
			Help: "Process groups to place, separated by commas, spaces or line breaks",
		},
		{
			Name: "window", Group: GroupDemand, value: duration(func(s *settings) *time.Duration { return &s.app.Policy.Window }),
			Default: "7d", Example: "36h", Min: day, Max: 14 * day, Place: Apps, Commands: both,
			Help: "How much history decides, in whole hours from 1d to 14d; `traffic` answers for the last 5m, or for 1m to 14d when the flag or input says so",
		},
		{
			Name: "status", Group: GroupDemand, value: expression(func(s *settings) *string { return &s.app.Policy.Status }),
			DefaultNote: "all", Example: "2..", Place: Apps, Commands: both,
			Help: "Count only responses whose status matches this regular expression as a whole",
		},
		{
			Name: "min-requests", Group: GroupDemand, value: read(Integer, parseInteger, func(s *settings, n int) {
				s.app.Policy.MinRequests = float64(n)
			}),
			Default: "1000", Max: 1e15, Place: Apps, Commands: tried,
			Help: "With fewer responses than this in the window nothing is changed",
		},
		{
			Name: "latency-matrix", Group: GroupDemand, value: path(func(s *settings) *string { return &s.app.LatencyMatrix }),
			DefaultNote: "built in", Example: "latency.csv", Place: Apps, Commands: tried,
			Help: "File with measured round trips between regions",
		},
		{
			Name: "backend-region", Group: GroupDemand, value: oneRegion(func(s *settings) *region.Code { return &s.app.Policy.BackendRegion }),
			DefaultNote: "none", Example: "iad", Place: Apps,
			Help: "Region of the database, or whatever else the Machines wait for: its distance from a Machine counts as latency too",
		},
		{
			Name: "backend-round-trips", Group: GroupDemand, value: fraction(func(s *settings) *float64 { return &s.app.Policy.BackendRoundTrips }),
			Default: "1", Example: "2.5", Max: 1000, Place: Apps,
			Help: "How often an average request goes to `backend-region` and back",
		},
		{
			Name: "cold-start", Group: GroupDemand, value: duration(func(s *settings) *time.Duration { return &s.app.Policy.ColdStart }),
			Default: "1s", Example: "400ms", Max: minute, Place: Apps,
			Help: "How long a Machine that fly-proxy stopped takes to start: what a request waits that comes after a quiet gap",
		},

		{
			Name: "value-per-ms", Group: GroupWorth, value: usd(func(s *settings) *float64 { return &s.app.Policy.ValuePerMS }),
			Default: "0.005", Max: rich, Place: Apps,
			Help: "USD that one millisecond less network latency is worth per million requests",
		},
		{
			Name: "change-cost", Group: GroupWorth, value: shareOrUSD(func(s *settings) *plan.ChangeCost { return &s.app.Policy.ChangeCost }),
			Default: "2%", Example: "$5", Max: rich, Place: Apps,
			Help: "What opening or closing a region must be worth a month, as a share of the live monthly cost or in USD; a quarter of it for each Machine created or destroyed",
		},
		{
			Name: "max-cost-increase", Group: GroupWorth, value: percent(func(s *settings) *float64 { return &s.app.Policy.MaxCostIncrease }),
			Default: "25%", Max: 100000, Place: Apps,
			Help: "How much more than the live placement a plan may cost, anew from what then is live each time; limits and measured load may exceed it, and the plan says so. `max-monthly-cost` is the limit that stays",
		},
		{
			Name: "max-monthly-cost", Group: GroupWorth, value: usd(func(s *settings) *float64 { return &s.app.Policy.MaxMonthlyCost }),
			DefaultNote: "no limit", Example: "120", MinOpen: true, Max: rich, Place: Apps, Commands: decided,
			Help: "USD a month that a process group may cost, compute and transfer",
		},
		{
			Name: "prices", Group: GroupWorth, value: path(func(s *settings) *string { return &s.app.Prices }),
			DefaultNote: "built in", Example: "prices.json", Place: Apps, Commands: seen,
			Help: "File with your own prices",
		},
		{
			Name: "transfer-pricing", Group: GroupWorth, value: choice(func(s *settings) func(string) {
				return func(v string) { s.app.Policy.FlatTransfer = v == "flat" }
			}),
			Default: "granular", Values: []string{"granular", "flat"}, Place: Apps,
			Help: "How Fly.io bills the organization for traffic between regions: `granular`, at the private rates, or `flat`, at the public ones, as for organizations from before July 18, 2024 that did not switch",
		},

		{
			Name: "max-p95-latency", Group: GroupLimits, value: duration(func(s *settings) *time.Duration { return &s.app.Policy.MaxP95Latency }),
			DefaultNote: "no limit", Example: "80ms", Min: 0.001, Max: minute, Place: Apps,
			Help: "The network round trip that 95 % of the requests must not exceed, with that to the backend where there is one",
		},
		{
			Name: "min-regions", Group: GroupLimits, value: integer(func(s *settings) *int { return &s.app.Policy.MinRegions }),
			Default: "1", Min: 1, Max: most, Place: Apps, Commands: decided,
			Help: "Fewest regions",
		},
		{
			Name: "max-regions", Group: GroupLimits, value: integer(func(s *settings) *int { return &s.app.Policy.MaxRegions }),
			DefaultNote: "all", Example: "5", Min: 1, Max: most, Place: Apps, Commands: decided,
			Help: "Most regions",
		},
		{
			Name: "min-machines", Group: GroupLimits, value: integer(func(s *settings) *int { return &s.app.Policy.MinMachines }),
			Default: "2", Min: 1, Max: most, Place: Apps, Commands: seen,
			Help: "Fewest Machines of a process group; a group that runs one is left alone unless this is set",
		},
		{
			Name: "max-machines", Group: GroupLimits, value: integer(func(s *settings) *int { return &s.app.Policy.MaxMachines }),
			Default: "200", Min: 1, Max: most, Place: Apps, Commands: decided,
			Help: "Most Machines of a process group",
		},
		{
			Name: "min-machines-per-region", Group: GroupLimits, value: integer(func(s *settings) *int { return &s.app.Policy.MinMachinesPerRegion }),
			Default: "1", Min: 1, Max: most, Place: Apps, Commands: decided,
			Help: "Fewest Machines in a region that has any",
		},
		{
			Name: "min-in-region", Group: GroupLimits, value: counts(func(s *settings) *map[region.Code]int { return &s.app.Policy.MinInRegion }),
			DefaultNote: "none", Example: "iad=4, fra=2", Min: 1, Max: most, Place: Apps, Commands: decided,
			Help: "Fewest Machines in the regions named",
		},
		{
			Name: "require-regions", Group: GroupLimits, value: regions(func(s *settings, p places) { s.app.Policy.Require = p.codes }),
			DefaultNote: "none", Example: "iad, fra", Place: Apps, Commands: decided,
			Help: "Regions that must all have Machines: codes, or `eu`, `na`, `sa`, `apac`, `africa` for every region of an area",
		},
		{
			Name: "exclude-regions", Group: GroupLimits, value: regions(func(s *settings, p places) {
				s.app.Policy.Exclude, s.app.Policy.ExcludeAreas = p.everywhere(), p.areas
			}),
			DefaultNote: "none", Example: "sa, hkg", Place: Apps, Commands: decided,
			Help: "Regions that must not have Machines",
		},
		{
			Name: "allow-regions", Group: GroupLimits, value: regions(func(s *settings, p places) {
				s.app.Policy.Allow, s.app.Policy.AllowAreas = p.codes, p.areas
			}),
			DefaultNote: "all", Example: "eu", Place: Apps, Commands: decided,
			Help: "The only regions that may have Machines",
		},
		{
			Name: "survive", Group: GroupLimits, value: choice(func(s *settings) func(string) {
				return func(v string) { s.app.Policy.Survive = placement.Survive(v) }
			}),
			Default: "machine", Values: []string{"none", "machine", "region"}, Place: Apps, Commands: decided,
			Help: "What may fail without overloading the rest; `region` includes a Machine and keeps at least two regions",
		},
		{
			Name: "target-utilization", Group: GroupLimits, value: fraction(func(s *settings) *float64 { return &s.app.Policy.TargetUtilization }),
			Default: "0.8", MinOpen: true, Max: 1, Place: Apps,
			Help: "Share of the soft limit that the busiest hour may use",
		},
		{
			Name: "max-changes", Group: GroupLimits, value: integer(func(s *settings) *int { return &s.app.Policy.MaxChanges }),
			DefaultNote: "half of the live Machines, at least 6", Example: "10", Min: 1, Max: 2 * most, Place: Apps,
			Help: "Most Machines created and destroyed by one plan",
		},
		{
			Name: "allow-litefs", Group: GroupLimits, value: boolean(func(s *settings) *bool { return &s.app.Policy.AllowLiteFS }),
			Default: "false", Place: Apps, Commands: seen,
			Help: "Place apps that use LiteFS, too",
		},

		{
			Name: "decision", Group: GroupApply, value: path(func(s *settings) *string { return &s.app.Apply.Decision }),
			Default: ".fly-placer/<app>.yml", Example: "deploy/<app>.placement.yml", Commands: seen,
			Help: "The decision file, to propose, to compare with what runs, and to apply; `<app>` in it stands for the app's name",
		},
		{
			Name: "dry-run", Group: GroupApply, value: boolean(func(s *settings) *bool { return &s.run.DryRun }),
			Default: "false", Place: Defaults, Commands: applied,
			Help: "Print the exact calls that `apply` would make, and make none that changes anything",
		},
		{
			Name: "max-plan-age", Group: GroupApply, value: duration(func(s *settings) *time.Duration { return &s.app.Apply.MaxPlanAge }),
			Default: "7d", Example: "36h", Min: minute, Max: 365 * day, Place: Apps, Commands: applied,
			Help: "A decision that was made or confirmed longer ago is not applied any more, unless a new plan decides the same",
		},
		{
			Name: "require-approvals", Group: GroupApply, value: integer(func(s *settings) *int { return &s.app.Apply.Approvals }),
			Default: "0", Max: 100, Place: Apps, Commands: applied,
			Help: "How many reviewers must have approved the merged pull request; branch protection does this better where you have it",
		},
		{
			Name: "egress", Group: GroupApply, value: choice(func(s *settings) func(string) {
				return func(v string) { s.app.Apply.IgnoreEgress = v == "ignore" }
			}),
			Default: "strict", Values: []string{"strict", "ignore"}, Place: Apps, Commands: []Command{Apply, Check},
			Help: "Where the token may not read static egress IPs: `strict` opens no region then, `ignore` goes on as if there were none",
		},
		{
			Name: "soak", Group: GroupApply, value: duration(func(s *settings) *time.Duration { return &s.app.Apply.Soak }),
			Default: "10s", Example: "1m", Max: 60 * minute, Place: Apps, Commands: applied,
			Help: "How long to watch what was changed before the next step",
		},
		{
			Name: "start-timeout", Group: GroupApply, value: duration(func(s *settings) *time.Duration { return &s.app.Apply.StartTimeout }),
			Default: "5m", Example: "90s", Min: 1, Max: 60 * minute, Place: Apps, Commands: applied,
			Help: "How long new Machines may take to start and become healthy",
		},
		{
			Name: "lock-timeout", Group: GroupApply, value: duration(func(s *settings) *time.Duration { return &s.app.Apply.LockTimeout }),
			Default: "15m", Example: "1h", Max: 180 * minute, Place: Apps, Commands: applied,
			Help: "How long to wait for a deploy, or for whoever else holds a lease on a Machine",
		},
		{
			Name: "api-rate", Group: GroupApply, value: fraction(func(s *settings) *float64 { return &s.run.APIRate }),
			Default: "1", Example: "0.5", Max: 100, Place: Defaults, Commands: applied,
			Help: "Requests a second to the Machines API, for each kind of request; `0` for as many as it takes, on this machine only",
		},

		{
			Name: "labels", Group: GroupPropose, value: names(func(s *settings) *[]string { return &s.run.Labels }),
			DefaultNote: "none", Example: "infrastructure, fly", Place: Defaults, Commands: []Command{Propose},
			Pattern: `^[^\s,]{1,50}$`, Shape: "the name of a label, at most 50 characters, without blanks and commas",
			Help: "Labels of the pull request with the decisions",
		},
		{
			Name: "reviewers", Group: GroupPropose, value: names(func(s *settings) *[]string { return &s.run.Reviewers }),
			DefaultNote: "none", Example: "octocat, acme/sre", Place: Defaults, Commands: []Command{Propose},
			Pattern: `^[A-Za-z0-9]([A-Za-z0-9-]{0,38})(/[A-Za-z0-9_.-]{1,100})?$`, Shape: "a login, or a team as organization/team",
			Help: "Who is asked to review it: logins, and teams as `organization/team`",
		},
		{
			Name: "draft", Group: GroupPropose, value: boolean(func(s *settings) *bool { return &s.run.Draft }),
			Default: "false", Place: Defaults, Commands: []Command{Propose},
			Help: "Open it as a draft",
		},
		{
			Name: "base", Group: GroupPropose, value: text(func(s *settings) *string { return &s.run.Base }),
			DefaultNote: "the default branch", Example: "main", Place: Defaults, Commands: []Command{Propose},
			Pattern: `^[A-Za-z0-9_]+([./-][A-Za-z0-9_]+)*$`, Shape: "the name of a branch",
			Help: "The branch that it is for",
		},

		{
			Name: "comment", Group: GroupReports, value: choice(func(s *settings) func(string) {
				return func(v string) { s.run.Comment = v }
			}),
			Default: "auto", Values: []string{"auto", "never"}, Place: Defaults, Commands: decided,
			Help: "`auto` keeps one comment up to date on the pull request that started the workflow, and another with the outcome on one whose decisions are applied",
		},
		{
			Name: "comment-key", Group: GroupReports, value: text(func(s *settings) *string { return &s.run.CommentKey }),
			DefaultNote: "the workflow and the apps", Example: "shop-eu", Place: Defaults, Commands: decided,
			Pattern: keyPattern, Shape: "words of letters and digits with single separators between them, at most 100 characters",
			Help: "Runs with the same key share one comment",
		},
		{
			Name: "report-dir", Group: GroupReports, value: path(func(s *settings) *string { return &s.run.ReportDir }),
			DefaultNote: "none", Example: "fly-placer-report", Place: Defaults, Commands: seen,
			Help: "Directory for `report.md` and `plan.json` and `problem.json`, or `result.json` of `apply`, or `check.json` of `check`; with several apps, one directory for each in it",
		},
		{
			Name: "log-format", Group: GroupReports, value: choice(func(s *settings) func(string) {
				return func(v string) { s.run.LogFormat = v }
			}),
			Default: "text", Values: []string{"text", "json"}, Place: Defaults, Commands: every,
			Help: "How the log is written",
		},
		{
			Name: "fail-on", Group: GroupReports, value: choices(func(s *settings) func([]string) {
				return func(v []string) {
					s.run.FailOn = FailOn{Changes: slices.Contains(v, "changes"), Drift: slices.Contains(v, "drift")}
				}
			}),
			Default: "error", Values: []string{"error", "changes", "drift"}, Place: Defaults, Commands: []Command{Plan, Traffic, Apply},
			Help: "What makes the step fail: errors always do (`error`, the default: only errors); exit status 3 with `changes` for a plan that changes something, with `drift` where somebody changed what a decision placed",
		},
	}
)

// An Output is what the action gives to later steps.
type Output struct{ Name, Help string }

// Outputs returns the table of outputs, in the order of the documentation.
func Outputs() []Output {
	return []Output{
		{"outcome", "How the run ended: `planned`, `proposed`, `no-changes`, `held`, `skipped`, `drift`, `infeasible` or `failed`; of `apply`: `applied`, `no-changes`, `not-approved`, `stale`, `precondition-failed`, `locked`, `partial` or `failed`; of `check`: `failed`, or empty when all is well"},
		{"has-changes", "`true` when the plan differs from what runs; of `apply`: when it changed something"},
		{"changes", "The changes, a JSON list"},
		{"plan", "The plan as JSON; beyond 256 KiB, the path of a file with it, relative to the workspace"},
		{"regions", "Planned Machines by region, JSON: `{\"ams\": 2, \"iad\": 3}`; of `apply`: those that run at its end"},
		{"digest", "The digest of the decision that the plan makes; of `apply`: of the one that was to be applied"},
		{"latency-before-ms", "Mean network round trip of what runs, in milliseconds"},
		{"latency-after-ms", "Mean network round trip of the plan, in milliseconds"},
		{"monthly-cost-before", "What runs costs in a month of 30 days, in USD"},
		{"monthly-cost-after", "What the plan costs in a month of 30 days, in USD"},
		{"comment-url", "The comment on the pull request, where there is one"},
		{"pull-request-number", "The pull request with the decisions; of `propose`"},
		{"pull-request-url", "Its page; when it may not be opened, the page where you can open it"},
		{"pull-request-operation", "What was done with it: `created`, `updated`, `unchanged`, `closed`, `blocked` or `none`"},
		{"traffic", "Responses by edge region, JSON; of the command `traffic`"},
	}
}
