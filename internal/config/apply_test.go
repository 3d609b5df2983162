package config_test

import (
	"strings"
	"testing"

	"github.com/fly-placer/fly-placer/internal/config"
	"github.com/fly-placer/fly-placer/internal/hint"
)

func TestEachAppHasItsDecisionFile(t *testing.T) {
	files := func(args ...string) string {
		var list []string
		for _, app := range mustLoad(t, append([]string{"apply"}, args...), ready(), "").Apps {
			list = append(list, app.Apply.Decision)
		}
		return strings.Join(list, " ")
	}
	for args, want := range map[string]string{
		"--app shop,api":                                   ".fly-placer/api.yml .fly-placer/shop.yml",
		"--app shop --decision shop.yml":                   "shop.yml",
		"--app shop,api --decision deploy/<app>/<app>.yml": "deploy/api/api.yml deploy/shop/shop.yml",
	} {
		if got := files(strings.Fields(args)...); got != want {
			t.Errorf("%s: %s, want %s", args, got, want)
		}
	}
	_, err := load([]string{"apply", "--app", "shop,api", "--decision", "shop.yml"}, ready(), "")
	if err == nil || err.Error() != `--decision "shop.yml": names one file for 2 apps: put <app> where each app's name belongs` {
		t.Errorf("one file for two apps: %v", err)
	}
}

func TestTheMachinesAPIIsAskedWithoutPausesOnThisMachineOnly(t *testing.T) {
	const refused = "0 is for a Machines API on this machine only: Fly.io refuses more than 1 a second"
	for url, want := range map[string]string{
		"http://127.0.0.1:4280": "", "http://[::1]:4280": "", "http://localhost": "",
		"https://api.machines.dev": refused, "https://localhost.example.com": refused, "": refused,
	} {
		for where, load := range map[string]func() (config.Config, error){
			`--api-rate "0": `: func() (config.Config, error) {
				return load([]string{"apply", "--api-rate", "0"}, ready("INPUT_FLY-API-URL="+url), "")
			},
			".github/fly-placer.yml line 1, defaults.api-rate \"0\": ": func() (config.Config, error) {
				return load([]string{"apply"}, ready("INPUT_FLY-API-URL="+url), "defaults: {api-rate: 0}")
			},
		} {
			cfg, err := load()
			switch {
			case want == "" && (err != nil || cfg.APIRate != 0):
				t.Errorf("%s: rate %v, %v", url, cfg.APIRate, err)
			case want != "" && (err == nil || err.Error() != where+want):
				t.Errorf("%s: %v, want %s", url, err, where+want)
			}
		}
	}
}

func TestApplyWantsATokenThatMayWriteAndNoMetrics(t *testing.T) {
	_, err := load([]string{"apply"}, []string{"FLY_APP_NAME=shop"}, "")
	if steps := strings.Join(hint.Of(err), "; "); !strings.Contains(steps, "`fly tokens create deploy -a APP`") {
		t.Errorf("%v: next steps %q", err, steps)
	}
	mustLoad(t, []string{"apply"}, ready("FLY_PROMETHEUS_URL=https://metrics.example.com"), "") // which only plans ask
}

// check tells by itself which tokens are missing, and tries the rest.
func TestCheckNeedsNoTokensToStart(t *testing.T) {
	cfg := mustLoad(t, []string{"check", "--app", "shop", "--propose", "--apply", "on-merge"}, nil, "")
	if cfg.Command != config.Check || !cfg.FlyToken.IsZero() || !cfg.Propose || cfg.Apply != config.OnMerge {
		t.Errorf("%+v", cfg)
	}
	if _, err := load([]string{"plan", "--app", "shop"}, nil, ""); err == nil {
		t.Error("plan starts without a token")
	}
}
