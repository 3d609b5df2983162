package config_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/fly-placer/fly-placer/internal/config"
	"github.com/fly-placer/fly-placer/internal/hint"
)

func TestTokens(t *testing.T) {
	const elsewhere = "FLY_PROMETHEUS_URL=https://metrics.example.com"
	tests := map[string]struct {
		command, env string // variables separated by |
		withheld     bool
		metrics      string // the token for the metrics
		missing      string // the options in the error
	}{
		"one token does for api.fly.io":     {env: "FLY_API_TOKEN=fm2_a", metrics: "fm2_a"},
		"and for this machine":              {env: "FLY_API_TOKEN=fm2_a|FLY_PROMETHEUS_URL=http://[::1]:9090", metrics: "fm2_a"},
		"but is sent nowhere else":          {env: "FLY_API_TOKEN=fm2_a|" + elsewhere, missing: "metrics-token"},
		"nor to a host that sounds alike":   {env: "FLY_API_TOKEN=fm2_a|FLY_PROMETHEUS_URL=https://api.fly.io.example.com", missing: "metrics-token"},
		"a metrics token is":                {env: "FLY_API_TOKEN=fm2_a|FLY_METRICS_TOKEN=fm2_b|" + elsewhere, metrics: "fm2_b"},
		"a metrics token alone for traffic": {command: "traffic", env: "FLY_METRICS_TOKEN=fm2_b", missing: "fly-api-token"},
		"and with the organization":         {command: "traffic", env: "FLY_METRICS_TOKEN=fm2_b|INPUT_ORG=acme", metrics: "fm2_b"},
		"a plan needs the Machines API":     {env: "FLY_METRICS_TOKEN=fm2_b", missing: "fly-api-token"},
		"none at all":                       {missing: "fly-api-token"},
		"none at all for traffic":           {command: "traffic", missing: "fly-api-token"},
		"traffic from elsewhere":            {command: "traffic", env: elsewhere, missing: "metrics-token"},
		"both missing":                      {env: elsewhere, missing: "fly-api-token, metrics-token"},
		"withheld from forks":               {withheld: true},
		"withheld, metrics elsewhere":       {env: elsewhere, withheld: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			command := test.command
			if command == "" {
				command = "plan"
			}
			in := config.Parse(config.Source{
				Args: []string{command, "--app=shop"}, Environ: strings.Split(test.env, "|"), SecretsWithheld: test.withheld,
			})
			cfg, err := in.WithPolicy(nil, "")
			var missing []string
			if err != nil {
				for _, p := range usage(t, err).Problems {
					missing = append(missing, p.Option)
				}
				if len(hint.Of(err)) != len(missing) {
					t.Errorf("%v: next steps %q", err, hint.Of(err))
				}
			}
			if got := strings.Join(missing, ", "); got != test.missing || cfg.MetricsToken.Reveal() != test.metrics {
				t.Errorf("missing %q, metrics token %q; want %q, %q", got, cfg.MetricsToken.Reveal(), test.missing, test.metrics)
			}
		})
	}
}

func TestEveryTokenIsListedForMasking(t *testing.T) {
	env := []string{"INPUT_FLY-API-TOKEN=fm2_a", "FLY_API_TOKEN=fm2_unused", "FLY_METRICS_TOKEN=fm2_b", "GITHUB_TOKEN=ghs_c"}
	var got []string
	for _, token := range config.Parse(config.Source{Args: []string{"plan"}, Environ: env}).Tokens() {
		got = append(got, token.Reveal())
	}
	if want := "fm2_a ghs_c fm2_b"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestGoodTokensOfEveryForm(t *testing.T) {
	for _, form := range []string{"fm2_abc", "FlyV1 fm2_abc", "Bearer fm2_abc", " FlyV1 fm2_a,fm2_b \n", "opaque-token"} {
		if _, err := load([]string{"plan", "--app=shop"}, []string{"INPUT_FLY-API-TOKEN=" + form}, ""); err != nil {
			t.Errorf("%q: %v", form, err)
		}
	}
}

func TestDotEnv(t *testing.T) {
	const file = `
# secrets of this checkout
export FLY_API_TOKEN="fm2_file"
FLY_APP_NAME=from-file
FLY_PROMETHEUS_URL=http://localhost:8428
FLY_METRICS_TOKEN=fm2_never
GITHUB_TOKEN=ghs_never
`
	const ignored = "FLY_METRICS_TOKEN is ignored in .env, where only FLY_API_TOKEN, FLY_PROMETHEUS_URL and FLY_APP_NAME count: set it in the environment\n" +
		"GITHUB_TOKEN is ignored in .env, where only FLY_API_TOKEN, FLY_PROMETHEUS_URL and FLY_APP_NAME count: set it in the environment"
	tests := map[string]struct {
		env  []string
		file string
		want string // app, metrics URL, token
		warn string
	}{
		"fills what is unset":         {file: file, want: "from-file http://localhost:8428 fm2_file", warn: ignored},
		"never before a variable":     {env: []string{"FLY_APP_NAME=shop"}, file: file, want: "shop http://localhost:8428 fm2_file", warn: ignored},
		"with nothing that is idle":   {file: "FLY_API_TOKEN=fm2_file\nFLY_APP_NAME=shop\nGITHUB_TOKEN=\nPORT=80", want: "shop  fm2_file"},
		"not on a runner":             {env: ready(), file: file, want: "shop  " + flyToken},
		"a file that is none is told": {env: ready("GITHUB_ACTIONS=false"), file: "fm2_secret?\n!!", want: "shop  " + flyToken, warn: ".env is ignored"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			in := config.Parse(config.Source{Args: []string{"plan"}, Environ: test.env, DotEnv: []byte(test.file)})
			cfg, err := in.WithPolicy(nil, "")
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join([]string{cfg.Apps[0].Name, cfg.PrometheusURL, cfg.FlyToken.Reveal()}, " ")
			if got != test.want || !cfg.GitHubToken.IsZero() || cfg.MetricsToken != cfg.FlyToken {
				t.Errorf("got %q, want %q", got, test.want)
			}
			warnings := strings.Join(cfg.Warnings, "\n")
			if (warnings == "") != (test.warn == "") || !strings.Contains(warnings, test.warn) || strings.Contains(warnings, "fm2_") {
				t.Errorf("warnings %q, want %q", warnings, test.warn)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	tests := map[string]struct{ env, want string }{
		"a typo in with":         {"INPUT_MIN-REGION=2", `input "min-region" is unknown and ignored; did you mean min-regions?`},
		"underscores":            {"INPUT_FLY_API_TOKEN=fm2_secret", `input "fly_api_token" is unknown and ignored; did you mean fly-api-token?`},
		"nothing like it":        {"INPUT_FROBNICATE=1", `input "frobnicate" is unknown and ignored`},
		"an empty one":           {"INPUT_FROBNICATE=", ""},
		"what every action has":  {"INPUT_ARGS=plan", ""},
		"a flag that is none":    {"INPUT_SERVE=true", `input "serve" is unknown and ignored`},
		"a redirect of the API":  {"FLY_FLAPS_BASE_URL=http://example.com", "FLY_FLAPS_BASE_URL is ignored, so that the environment cannot send the token elsewhere; set fly-api-url instead"},
		"other people's inputs?": {"OUTPUT_X=1", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := mustLoad(t, nil, ready(test.env), "")
			if got := strings.Join(cfg.Warnings, "\n"); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestArguments(t *testing.T) {
	tests := map[string]struct{ args, want string }{
		"a flag before the command":     {"--app shop plan --max-regions 3", ""},
		"one hyphen":                    {"plan -max-regions 3", ""},
		"a switch":                      {"plan --allow-litefs", ""},
		"a switch turned off":           {"plan --allow-litefs=false", ""},
		"no command":                    {"--max-regions 3", ""},
		"lists add up":                  {"plan --require-regions iad --require-regions fra", ""},
		"an unknown flag":               {"plan --max-region 3", "--max-region: unknown flag; did you mean --max-regions?"},
		"what follows it is not shown":  {"plan --token hunter2-hunter2", "--token: unknown flag"},
		"one letter":                    {"plan -v", "-v: unknown flag"},
		"one hyphen, unknown":           {"plan -max-region=3", "-max-region: unknown flag; did you mean --max-regions?"},
		"an unknown flag with a value":  {"plan --password=hunter2", "--password: unknown flag"},
		"a token":                       {"plan --fly-api-token hunter2-hunter2", "--fly-api-token: a token is never a flag, where every process of the machine could read it"},
		"the command as a flag":         {"--command traffic", "--command: the command is no flag"},
		"a value is missing":            {"plan --max-regions", "--max-regions: the value is missing"},
		"a flag instead of a value":     {"plan --status --app shop", "--status: the value is missing"},
		"a flag twice":                  {"plan --max-regions 1 --max-regions 2", "--max-regions: given twice"},
		"an unknown command":            {"plam", `command "plam": want plan, apply, propose, check, traffic, solve, demo or auto; did you mean plan?`},
		"two commands":                  {"plan shop", `argument "shop": not expected after the command "plan"; values need a flag`},
		"a flag of another command":     {"traffic --max-regions 3", "--max-regions: the command traffic does not use it"},
		"a plan's flag for the demo":    {"demo --app shop", "--app: the command demo does not use it"},
		"a switch that is none":         {"demo --serve=maybe", `--serve "maybe": want true or false`},
		"a switch with its value":       {"plan --allow-litefs true", ""},
		"a demo's flag for the plan":    {"plan --serve", "--serve: the command plan does not use it"},
		"after two hyphens, words only": {"plan -- --app", `argument "--app": not expected after the command "plan"; values need a flag`},
		"nothing to solve":              {"solve --frontier", "solve: FILE is missing"},
		"two files to solve":            {"solve a.json --explain b.json", `argument "b.json": not expected after "a.json": the command solve takes one FILE`},
		"a file to solve":               {"--time-limit 1s solve --frontier a.json", ""},
		"standard input":                {"solve - --explain=true", ""},
		"a file like a flag":            {"solve -- --frontier", ""},
		"no time":                       {"solve a.json --time-limit 0s", `--time-limit "0s": want a duration from 100ms to 1h`},
		"a solver's flag for the plan":  {"plan --time-limit 5s", "--time-limit: the command plan does not use it"},
		"a plan's flag for the solver":  {"solve a.json --max-regions 3", "--max-regions: the command solve does not use it"},
		"a token where a name belongs":  {"plan --app fm2_hunter2", `--app "[redacted]": want the name of an app: lower-case letters, digits and hyphens, at most 63`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := load(strings.Fields(test.args), ready(), "")
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

// What a command needs is not missed before it is known which one is meant.
func TestAnUnknownCommandIsAllThatIsWrong(t *testing.T) {
	_, err := load([]string{"version"}, nil, "")
	if want := `command "version": want plan, apply, propose, check, traffic, solve, demo or auto`; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestUnknownFlagsPointToTheHelpOfTheCommand(t *testing.T) {
	for args, want := range map[string]string{
		"plan --nope":           "run `fly-placer plan --help`",
		"--nope traffic":        "run `fly-placer traffic --help`",
		"-v":                    "run `fly-placer --help`",
		"plam --nope":           "run `fly-placer --help`",
		"--nope plan --neither": "run `fly-placer plan --help`",
	} {
		_, err := load(strings.Fields(args), ready(), "")
		if got := hint.Of(err); len(got) != 1 || got[0] != want {
			t.Errorf("%s: next steps %q, want %q", args, got, want)
		}
	}
}

func TestCountsAreSeparatedAsOtherLists(t *testing.T) {
	for _, text := range []string{"iad=4, fra=2", "iad=4 fra=2", "iad=4,fra=2", "iad=4\nfra=2", " iad = 4 , fra= 2,", "iad=4\tfra\t=2"} {
		cfg := mustLoad(t, []string{"plan", "--min-in-region", text}, ready(), "")
		if got := cfg.Apps[0].Policy.MinInRegion; len(got) != 2 || got["iad"] != 4 || got["fra"] != 2 {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

func TestExpressionsThatNobodyReplaced(t *testing.T) {
	for env, secretPart := range map[string]string{
		"INPUT_FLY-API-TOKEN=${{ secrets.FLY_API_TOKEN }}":                   "",
		"FLY_API_TOKEN=FlyV1 ${{ secrets.FLY_API_TOKEN }}":                   "",
		"FLY_API_TOKEN=${{ secrets.FLY_API_TOKEN":                            "",
		"FLY_API_TOKEN=fm2_hunter2hunter2${{ secrets.FLY_API_TOKEN || '' }}": "fm2_hunter2hunter2",
	} {
		in := config.Parse(config.Source{Args: []string{"plan", "--app=shop"}, Environ: []string{env}})
		_, err := in.WithPolicy(nil, "")
		name, _, _ := strings.Cut(env, "=")
		name = strings.ToLower(strings.Replace(name, "INPUT_", "input ", 1))
		want := name + ": it holds an expression that was not replaced, ${{ … }}"
		if err == nil || strings.ToLower(err.Error()) != want || len(hint.Of(err)) != 1 {
			t.Errorf("%s: %v, next steps %q; want %s", env, err, hint.Of(err), want)
		}
		var masked []string
		for _, token := range in.Tokens() {
			masked = append(masked, token.Reveal())
		}
		if got := strings.Join(masked, " "); got != secretPart {
			t.Errorf("%s: %q is masked, want %q", env, got, secretPart)
		}
	}
}

func TestShortTokensDoNotShredMessages(t *testing.T) {
	_, err := load([]string{"plan", "--app=-red"}, []string{"FLY_API_TOKEN=red", "FLY_METRICS_TOKEN=fm2_hunter2", "GITHUB_TOKEN=e"}, "fm2_hunter2: 1")
	const want = `--app "-red": want the name of an app: lower-case letters, digits and hyphens, at most 63` + "\n" +
		`.github/fly-placer.yml line 1: unknown key "[redacted]": want version, defaults or apps`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestCommandAsInput(t *testing.T) {
	if cfg := mustLoad(t, nil, ready("INPUT_COMMAND=traffic"), ""); cfg.Command != config.Traffic {
		t.Errorf("got %s", cfg.Command)
	}
	if cfg := mustLoad(t, []string{"plan"}, ready("INPUT_COMMAND=traffic"), ""); cfg.Command != config.Plan {
		t.Errorf("the argument does not come first: %s", cfg.Command)
	}
	_, err := load(nil, ready("INPUT_COMMAND=demo"), "")
	if err == nil || err.Error() != `input command "demo": want auto, plan, propose, apply, check or traffic` {
		t.Errorf("demo in an action: %v", err)
	}
}

func TestHelpAndVersion(t *testing.T) {
	help := func(env []string, args ...string) string {
		return config.Parse(config.Source{Args: args, Environ: env}).Help
	}
	program := config.Help("")
	for name, got := range map[string]string{
		"--help": help(nil, "--help"), "-h": help(nil, "-h"), "help": help(nil, "help"), "nothing asked": help(nil),
	} {
		if got != program {
			t.Errorf("%s: got %q", name, got)
		}
	}
	for name, got := range map[string]string{
		"plan --help": help(nil, "plan", "--help"), "help plan": help(nil, "help", "plan"), "wrong flags": help(nil, "plan", "--nope", "--help"),
	} {
		if got != config.Help(config.Plan) {
			t.Errorf("%s: got %q", name, got)
		}
	}
	for name, env := range map[string][]string{"on a runner": {"GITHUB_ACTIONS=true"}, "with an input": {"INPUT_APP=shop"}} {
		if got := help(env); got != "" {
			t.Errorf("%s, help instead of a run", name)
		}
	}
	if !config.Parse(config.Source{Args: []string{"--version"}}).Version {
		t.Error("--version is not seen")
	}
}

func TestHelpFitsATerminalAndNamesEveryFlag(t *testing.T) {
	texts := []string{config.Help("")}
	for _, c := range config.Commands() {
		text := config.Help(c.Command)
		texts = append(texts, text)
		for _, o := range config.Options() {
			listed := regexp.MustCompile(`(?m)^  --` + regexp.QuoteMeta(o.Name) + `( |$)`).MatchString(text)
			if want := o.Flag() && o.AppliesTo(c.Command); listed != want {
				t.Errorf("help of %s lists --%s: %v, want %v", c.Command, o.Name, listed, want)
			}
		}
		if !strings.Contains(config.Help(""), "\n  "+string(c.Command)+" ") {
			t.Errorf("the program's help leaves out %s", c.Command)
		}
	}
	for _, text := range texts {
		for line := range strings.Lines(text) {
			if len([]rune(strings.TrimSuffix(line, "\n"))) > 80 {
				t.Errorf("more than 80 columns: %q", line)
			}
		}
		if strings.Contains(text, "`") {
			t.Errorf("Markdown in a help text: %q", text)
		}
	}
}
