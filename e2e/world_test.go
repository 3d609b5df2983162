//go:build e2e

package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/sim/flysim"
	"github.com/fly-placer/fly-placer/internal/sim/ghsim"
)

const (
	flyToken    = "FlyV1 fm2_lJPECAAAAAAAAAAAxBCe2eSecret,fm2_lJPETheOtherHalf"
	gitHubToken = ghsim.DefaultToken

	// The repository and the pull request of GitHub's own example webhooks.
	repository = "Codertocat/Hello-World"
	pullNumber = 2
)

// A world is everything outside the action that a run meets, on loopback:
// VictoriaMetrics, the simulated Fly.io and the simulated GitHub.
type world struct {
	prometheus, fly, github *watched
	prometheusURL           string // as the option wants it
	gitHub                  *ghsim.Server
	flySim                  *flysim.Server
}

// newWorld serves a world in which each app (shop, when none is named) runs four
// Machines in ord and gets the traffic of writeTraffic.
func newWorld(t *testing.T, apps ...string) *world {
	t.Helper()
	if len(apps) == 0 {
		apps = []string{"shop"}
	}
	fly := flysim.New(flysim.Config{Token: flyToken, Now: time.Now})
	machines := map[string][]string{}
	for _, app := range apps {
		fly.AddApp(flysim.App{Name: app})
		machines[app] = fly.AddWeb(app, flysim.Web{Regions: map[string]int{"ord": 4}, SoftLimit: 20, HardLimit: 25})
		for _, id := range machines[app] {
			fly.ChangeMachine(app, id, func(m *flysim.Machine) { m.Config["stop_config"] = map[string]any{"timeout": "10ms"} })
		}
	}

	metrics, err := url.Parse(victoriaMetrics(t, func(w io.Writer, now time.Time) {
		for _, app := range apps {
			writeTraffic(w, now, app, machines[app])
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{flySim: fly, gitHub: ghsim.New(ghsim.Config{Repo: repository, Branch: "master", Pulls: []int{pullNumber}})}
	w.prometheus = watch(t, httputil.NewSingleHostReverseProxy(metrics), nil)
	w.prometheusURL = w.prometheus.url + "/prometheus/personal"
	w.fly = watch(t, fly, flyJudge(t))
	w.github = watch(t, w.gitHub, gitHubContract(t).judge)
	return w
}

var (
	readGitHub = sync.OnceValues(func() (*contract, error) {
		// The root of a repository is described with a path, and asked for without.
		return newContract("GITHUB_OPENAPI", "", "POST /graphql", "GET /repos/"+repository+"/contents/")
	})
	readFly = sync.OnceValues(func() (*contract, error) {
		return newContract("FLY_MACHINES_OPENAPI", "/v1", "POST /graphql", "GET /v1/platform/regions")
	})
)

func gitHubContract(t *testing.T) *contract {
	t.Helper()
	c, err := readGitHub()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// flyJudge is nil where the description is not at hand.
func flyJudge(t *testing.T) func(*http.Request, []byte, *httptest.ResponseRecorder) error {
	t.Helper()
	if os.Getenv("FLY_MACHINES_OPENAPI") == "" {
		t.Log("FLY_MACHINES_OPENAPI is not set: requests to Fly are not checked against its description")
		return nil
	}
	c, err := readFly()
	if err != nil {
		t.Fatal(err)
	}
	return c.judge
}
