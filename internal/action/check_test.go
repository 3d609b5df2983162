package action

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/report"
	"github.com/fly-placer/fly-placer/internal/secret"
)

// Whatever the servers answer, check ends, each line that failed says what to do,
// and nothing shows a token, although every answer repeats it.
func TestCheckOutlivesEveryAnswer(t *testing.T) {
	const fly, metrics, github = "fm2_Firsthalf0123456789,fm2_Otherhalf0123456789", "fm2_Metrics0123456789", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
	for name, answer := range map[string]struct {
		status int
		body   string
	}{
		"bad request": {400, `{"error":"%s","message":"%[1]s"}`}, "unauthorized": {401, `{"error":"%s","message":"%[1]s"}`},
		"forbidden": {403, `{"error":"%s","message":"%[1]s"}`}, "not found": {404, `{"error":"%s","message":"%[1]s"}`},
		"rejected": {422, `{"error":"%s","message":"%[1]s"}`}, "a page": {200, `<!DOCTYPE html><html><title>%s</title></html>`},
		"an empty object": {200, `{}`}, "a list": {200, `["%s"]`}, "null": {200, `null`}, "nothing": {200, ``}, "a redirect": {302, `%s`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet && r.URL.Path != "/graphql" && r.URL.Path != "/v1/platform/placements" && !strings.HasPrefix(r.URL.Path, "/prometheus") {
					t.Errorf("%s %s may write", r.Method, r.URL.Path)
				}
				if answer.status == 302 {
					w.Header().Set("Location", "https://fly.example.invalid/"+r.Header.Get("Authorization"))
				}
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(answer.status)
				if strings.Contains(answer.body, "%") {
					_, _ = fmt.Fprintf(w, answer.body, r.Header.Get("Authorization"))
				} else {
					_, _ = w.Write([]byte(answer.body))
				}
			}))
			defer server.Close()
			dir := t.TempDir()
			var stdout, stderr bytes.Buffer
			summary := filepath.Join(dir, "summary")
			status := Run(t.Context(), Process{
				Args: []string{"check", "--app", "shop,api", "--propose", "--apply", "on-merge", "--report-dir", "out"},
				Environ: []string{
					"FLY_API_TOKEN=FlyV1 " + fly, "FLY_METRICS_TOKEN=" + metrics, "GITHUB_TOKEN=" + github, "GITHUB_REPOSITORY=acme/shop",
					"FLY_PROMETHEUS_URL=" + server.URL + "/prometheus/acme", "INPUT_FLY-API-URL=" + server.URL, "GITHUB_API_URL=" + server.URL,
					"GITHUB_STEP_SUMMARY=" + summary,
				},
				Dir: dir, Stdout: &stdout, Stderr: &stderr, Now: time.Now,
			})
			if status != exitFailed {
				t.Errorf("status %d, want %d: %s", status, exitFailed, stderr.String())
			}
			shown := []string{stdout.String(), stderr.String()}
			for _, file := range []string{summary, filepath.Join(dir, "out", "check.json"), filepath.Join(dir, "out", "report.md")} {
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				shown = append(shown, string(data))
			}
			for _, text := range shown {
				for _, part := range []string{"Firsthalf", "Otherhalf", "Metrics0123", "16C7e42F"} {
					if strings.Contains(text, part) {
						t.Errorf("a token shows:\n%s", text)
					}
				}
			}
			var got struct {
				Failed int
				Checks []struct {
					About string
					Lines []report.CheckLine
				}
			}
			if err := json.Unmarshal([]byte(shown[3]), &got); err != nil {
				t.Fatal(err)
			}
			if got.Failed < 3 { // Fly.io, the metrics and GitHub at least
				t.Errorf("only %d lines failed:\n%s", got.Failed, shown[0])
			}
			for _, c := range got.Checks {
				for _, l := range c.Lines {
					if l.What == "" || l.Found == "" || l.Status == report.CheckFailed && l.Fix == "" {
						t.Errorf("%s: %+v", c.About, l)
					}
				}
			}
		})
	}
}

// Two apps of one organization are asked about together.
func TestOneQuestionForTheAppsOfAnOrganization(t *testing.T) {
	r := &run{}
	r.cfg.MetricsToken = secret.New("fm2_x")
	c := &checkup{run: r}
	for app, org := range map[string]string{"api": "acme", "shop": "acme", "blog": "other", "lost": ""} {
		p := &patient{}
		p.Name, p.app.Org, p.Policy = app, org, plan.Policy{Window: time.Hour}
		c.apps = append(c.apps, p)
	}
	all := c.questions()
	if len(all) != 2 {
		t.Errorf("%d questions, want 2", len(all))
	}
	for _, p := range c.apps {
		if (p.metrics == nil) != (p.app.Org == "") || p.metrics != nil && p.metrics.address != "https://api.fly.io/prometheus/"+p.app.Org {
			t.Errorf("%s of %q: %+v", p.Name, p.app.Org, p.metrics)
		}
	}
	r.cfg.PrometheusURL = "http://127.0.0.1/prometheus/acme"
	if all := c.questions(); len(all) != 1 || len(c.askedBy(all[0])) != 4 {
		t.Errorf("an address that is given is asked once: %d", len(all))
	}
}

// Where an app has no series because another organization's were asked, the fix
// names both.
func TestTheMetricsOfAnotherOrganization(t *testing.T) {
	for url, want := range map[string]string{
		"https://api.fly.io/prometheus/beta": "these are the metrics of beta, and the app is of acme: correct org or prometheus-url",
		"https://api.fly.io/prometheus/acme": "check the app's name, and that somebody asked it something in the window",
		"https://metrics.example.com/select": "check the app's name, and that somebody asked it something in the window",
	} {
		c := &checkup{run: &run{}}
		c.cfg.PrometheusURL = url
		p := &patient{metrics: &measured{}}
		p.app.Org = "acme"
		if got := c.otherOrg(p); got != want {
			t.Errorf("%s: %s", url, got)
		}
	}
}
