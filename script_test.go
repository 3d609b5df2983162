package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"net/http/httptest"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/fly-placer/fly-placer/internal/latency"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/sim/flysim"
	"github.com/fly-placer/fly-placer/internal/sim/ghsim"
	"github.com/fly-placer/fly-placer/internal/sim/promsim"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"fly-placer": main})
}

// TestScripts runs the program as its users do. Each script tells one story
// and is named by the behaviour that it shows. Besides testscript's own
// commands there are:
//
//	world FILE            start the simulated Fly.io, metrics and GitHub of a JSON file, and point the environment at them
//	runner EVENT [FILE]   set the environment as GitHub's runner does for an event, with its payload
//	comments N [REGEXP]   the pull request must have N comments of ours, each matching
//	status N ARG...       run fly-placer, which must end with this exit status
//	requests N            the simulated services must have had N requests by now
//	agree ANSWER PLAN     the answer of solve must have the placement and the objective of the plan's only group
//	proves NAME...        fly-placer solve must prove the optimum of each published instance, where there is the condition [published]
//	file PATH             put a file of the script's into the repository at GitHub
//	machines APP R=N,...  the app must have so many Machines in each region, all of them serving, without lease and marks of ours
//	reads                 nothing that was asked of the simulated Fly.io may have changed anything
//	night                 the schedule starts a workflow on the default branch, with its files checked out
//	event N ACTION        what happened to pull request N starts one, on its merge with the base
//	merge N METHOD        ann merges pull request N (merge, squash, rebase), and the push starts one
//	rerun N               the workflow of the push N before the last one runs again
//	together N            the last N pushes start one as a single push, as a merge queue makes them
//	revert                ann reverts what was pushed last, and the push starts one
//	push BRANCH [P=FILE]  ann commits files, or deletes those without FILE; a push to main starts one
//	review N LOGIN STATE  somebody reviews
//	close N, label N NAME, edit N LOGIN   a pull request is closed, labelled, its comments edited
//	setting NAME          a setting of the repository: no-actions-pulls
//	scale APP R=N         somebody scales by hand
//	pull-from BRANCH      ann opens a pull request from it
//	opened N WORD...      the pull request has such labels and reviewers, and is a draft
//	pull N STATE [REGEXP] the pull request is open, closed or merged, with such a body
//	comment N REGEXP      one of its comments is such
//	has REF PATH REGEXP   a file at GitHub is such
//	shows FILE            the repository's FILE must quote what was just printed, times and ports apart
//	asked N METHOD REGEXP wait until the simulated Fly.io was asked N times for such a path
//	unleased APP          nobody may hold a lease on a Machine of the app
//	terminate             send SIGTERM to the programs in the background
//	stopwatch [MAX]       begin to take the time; with MAX, no more may have passed
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Values[worldKey{}] = &scriptWorld{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"world":     startWorld,
			"runner":    setRunner,
			"comments":  checkComments,
			"file":      addFile,
			"machines":  checkMachines,
			"reads":     checkReads,
			"asked":     awaitRequests,
			"terminate": terminate,
			"unleased":  checkLeases,
			"stopwatch": takeTime,
			"status":    checkStatus,
			"requests":  checkRequests,
			"agree":     checkAgreement,
			"proves":    provePublished,
			"night":     night,
			"event":     pullEvent,
			"merge":     mergePull,
			"revert":    revertPush,
			"rerun":     rerunPush,
			"together":  pushTogether,
			"push":      pushFiles,
			"review":    reviewPull,
			"close":     closePull,
			"label":     labelPull,
			"edit":      editComments,
			"pull":      checkPull,
			"opened":    checkOpened,
			"pull-from": openPull,
			"comment":   checkComment,
			"has":       checkFile,
			"setting":   setSetting,
			"scale":     scaleByHand,
			"shows":     checkDocument,
		},
		Condition: checkCondition,
	})
}

const (
	scriptToken = "fm2_SecretOne,fm2_SecretTwo"
	scriptPull  = 7
)

type worldKey struct{}

type scriptWorld struct {
	fly     *flysim.Server
	metrics *promsim.Server
	github  *ghsim.Server
	pushes  []ghsim.Push
	began   time.Time // the stopwatch
}

// A scenario is the JSON form of a world.
type scenario struct {
	Apps []struct {
		Name, Org, Role string
		IPs             []string
		Machines        map[string]int
		Group           string
		Soft, Hard      int
		Worker          bool // no services
		Leased          bool
		Unmeasured      bool    // no metrics
		Mixed           bool    // one Machine runs another release
		ResponseMS      float64 // at the Machines; the edge's has the network in it, too
		Network         float64 // how much slower it is than the latency table; 0: as fast
		RPS             map[string]float64
		Statuses        map[string]float64 // share of each; empty: all 200
		InFlightPerRPS  float64
		KBPerResponse   float64 // that leave at the edge
	}
	Capacity       map[string]int // free Machines by region; any number where it says nothing
	Hours          int            // of history; 0: 170
	EndMinutesAgo  int            // of the newest sample
	MetricsFault   *promsim.Fault
	FlyFault       *flysim.Fault
	GitHubFault    *ghsim.Fault
	ReadOnlyGitHub bool
	GitHubToken    *ghsim.Identity // whose it is; nil: a workflow's that may do anything
	PrivateGitHub  bool
	GitHubSettings ghsim.Settings
	FlyTokenApps   []string // the only apps that the token may see
}

func startWorld(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: world FILE")
	}
	var sc scenario
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &sc))
	now := time.Now()
	fly := flysim.New(flysim.Config{Token: scriptToken, Now: time.Now, Capacity: sc.Capacity, TokenApps: sc.FlyTokenApps})
	metrics := promsim.New(promsim.Config{Token: scriptToken})
	identity := ghsim.Identity{}
	if sc.ReadOnlyGitHub {
		identity.Permissions = map[string]string{"contents": "read"}
	}
	token := ghsim.DefaultToken
	if sc.GitHubToken != nil {
		identity = *sc.GitHubToken
		if identity.Kind == ghsim.User {
			token = "ghp_SecretThree"
		}
	}
	github := ghsim.New(ghsim.Config{
		Repo: "acme/shop", Pulls: []int{scriptPull}, Tokens: map[string]ghsim.Identity{token: identity},
		Private: sc.PrivateGitHub, Settings: sc.GitHubSettings,
	})
	if sc.MetricsFault != nil {
		metrics.Fail(*sc.MetricsFault)
	}
	if sc.FlyFault != nil {
		fly.Inject(*sc.FlyFault)
	}
	if sc.GitHubFault != nil {
		github.AddFault(*sc.GitHubFault)
	}
	h := history{s: metrics, from: now.Add(-time.Duration(max(sc.Hours, 0)) * time.Hour), to: now.Add(-time.Duration(sc.EndMinutesAgo) * time.Minute)}
	if sc.Hours == 0 {
		h.from = now.Add(-170 * time.Hour)
	}
	for i, a := range sc.Apps {
		app := flysim.App{Name: a.Name, Org: a.Org, Role: a.Role}
		for _, ip := range a.IPs {
			app.IPs = append(app.IPs, flysim.IP{Address: ip})
		}
		if i == 0 || a.Name != sc.Apps[i-1].Name { // else another process group of it
			fly.AddApp(app)
		}
		fly.AddWeb(a.Name, flysim.Web{Group: a.Group, Regions: a.Machines, SoftLimit: a.Soft, HardLimit: a.Hard})
		if a.Unmeasured {
			continue
		}
		total := 0.0
		statuses := a.Statuses
		if len(statuses) == 0 {
			statuses = map[string]float64{"200": 1}
		}
		for code, rps := range a.RPS {
			total += rps
			if a.KBPerResponse > 0 {
				h.counter("fly_edge_data_out", map[string]string{"app": a.Name, "region": code}, rps*a.KBPerResponse*1000)
			}
			for status, share := range statuses {
				h.counter("fly_edge_http_responses_count", map[string]string{"app": a.Name, "region": code, "status": status}, rps*share)
			}
			if a.ResponseMS > 0 {
				ms := a.ResponseMS + 2 + cmp.Or(a.Network, 1)*tableMS(code, a.Machines)
				h.times("fly_edge_http_response_time_seconds", map[string]string{"app": a.Name, "region": code, "status": "200"}, rps, ms)
			}
		}
		for i, m := range fly.Machines(a.Name) {
			fly.ChangeMachine(a.Name, m.ID, func(m *flysim.Machine) {
				m.Config["stop_config"] = map[string]any{"timeout": "10ms"}
				if a.Worker {
					delete(m.Config, "services")
				}
				if metadata, ok := m.Config["metadata"].(map[string]any); ok && a.Mixed && i == 0 {
					metadata["fly_release_version"] = "2"
				}
				if a.Leased && i == 0 {
					m.Lease = &flysim.Lease{Owner: "ann@tokens.fly.io", Expires: now.Add(time.Hour)}
				}
			})
			labels := map[string]string{"app": a.Name, "region": m.Region, "instance": m.ID}
			part := total / float64(len(fly.Machines(a.Name)))
			h.gauge("fly_instance_up", labels, 1)
			h.gauge("fly_app_concurrency", labels, part*a.InFlightPerRPS)
			h.counter("fly_app_http_responses_count", map[string]string{"app": a.Name, "region": m.Region, "instance": m.ID, "status": "200"}, part)
			if a.ResponseMS > 0 {
				h.times("fly_app_http_response_time_seconds", labels, part, a.ResponseMS)
			}
		}
	}
	ts.Check(h.err)
	servers := []*httptest.Server{httptest.NewServer(fly), httptest.NewServer(metrics), httptest.NewServer(github)}
	ts.Defer(func() {
		for _, s := range servers {
			s.Close()
		}
	})
	*ts.Value(worldKey{}).(*scriptWorld) = scriptWorld{fly: fly, metrics: metrics, github: github}
	ts.Setenv("FLY_API_TOKEN", "FlyV1 "+scriptToken)
	ts.Setenv("FLY_PROMETHEUS_URL", servers[1].URL+"/prometheus/acme")
	ts.Setenv("INPUT_FLY-API-URL", servers[0].URL)
	ts.Setenv("GITHUB_TOKEN", token)
	ts.Setenv("GITHUB_API_URL", servers[2].URL)
	ts.Setenv("GITHUB_SERVER_URL", servers[2].URL)
	ts.Setenv("GITHUB_REPOSITORY", "acme/shop")
	if len(sc.Apps) > 0 {
		ts.Setenv("FLY_APP_NAME", sc.Apps[0].Name)
	}
}

// A history writes steady series, one sample a minute.
type history struct {
	s        *promsim.Server
	from, to time.Time
	err      error
}

func (h *history) counter(metric string, labels map[string]string, perSecond float64) {
	h.write(h.s.Counter, metric, labels, func(i int) float64 { return float64(i) * 60 * perSecond })
}

// times writes the two counters of the mean of a histogram.
func (h *history) times(metric string, labels map[string]string, perSecond, ms float64) {
	h.counter(metric+"_count", labels, perSecond)
	h.counter(metric+"_sum", labels, perSecond*ms/1000)
}

// tableMS is the latency table's round trip from an edge to the nearest region
// with Machines.
func tableMS(edge string, machines map[string]int) float64 {
	regions, nearest := region.BuiltIn(), math.Inf(1)
	from, _ := regions.Lookup(region.Code(edge))
	for code := range machines {
		to, _ := regions.Lookup(region.Code(code))
		ms, _ := latency.BuiltIn().RTT(from, to)
		nearest = min(nearest, ms)
	}
	return nearest
}

func (h *history) gauge(metric string, labels map[string]string, value float64) {
	h.write(h.s.Gauge, metric, labels, func(int) float64 { return value })
}

func (h *history) write(add func(string, map[string]string, []promsim.Sample) error, metric string, labels map[string]string, value func(int) float64) {
	var samples []promsim.Sample
	for i, t := 0, h.from.Truncate(time.Minute); !t.After(h.to); i, t = i+1, t.Add(time.Minute) {
		samples = append(samples, promsim.Sample{Time: t, Value: value(i)})
	}
	if err := add(metric, labels, samples); h.err == nil {
		h.err = err
	}
}

func setRunner(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: runner EVENT [FILE]")
	}
	for key, value := range map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": args[0], "GITHUB_WORKFLOW": "placement", "GITHUB_RUN_ID": "42",
		"GITHUB_SHA": head(ts), "GITHUB_WORKSPACE": ts.MkAbs("."),
		"GITHUB_OUTPUT": ts.MkAbs("output"), "GITHUB_STEP_SUMMARY": ts.MkAbs("summary"),
	} {
		ts.Setenv(key, value)
	}
	if len(args) == 2 {
		ts.Setenv("GITHUB_EVENT_PATH", ts.MkAbs(args[1]))
	}
	for _, name := range []string{"output", "summary"} {
		ts.Check(os.WriteFile(ts.MkAbs(name), nil, 0o600))
	}
}

func checkComments(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: comments N [REGEXP]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := ts.Value(worldKey{}).(*scriptWorld).github.Comments(scriptPull)
	if len(got) != want {
		ts.Fatalf("%d comments, want %d: %+v", len(got), want, got)
	}
	for _, c := range got {
		if len(args) == 2 && !regexp.MustCompile(args[1]).MatchString(c.Body) {
			ts.Fatalf("the comment does not match %q:\n%s", args[1], c.Body)
		}
	}
}

func addFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: file PATH-AT-GITHUB FILE")
	}
	ts.Value(worldKey{}).(*scriptWorld).github.AddFile(args[0], []byte(ts.ReadFile(args[1])))
	if ts.Getenv("GITHUB_SHA") != "" {
		ts.Setenv("GITHUB_SHA", head(ts))
	}
}

// head is the newest commit of the simulated repository; without a world, any.
func head(ts *testscript.TestScript) string {
	if w, ok := ts.Value(worldKey{}).(*scriptWorld); ok && w.github != nil {
		return w.github.Head("main")
	}
	return "6dcb09b5b57875f334f61aebed695e2e4193db5e"
}

func checkStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: status N ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got, exit := 0, &exec.ExitError{}
	if err := ts.Exec("fly-placer", args[1:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

func checkAgreement(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: agree ANSWER PLAN")
	}
	type decision struct {
		Placement map[string]int
		Objective float64
		Frontier  []struct {
			Regions int
			Open    []string
			Status  string
		}
	}
	var answer decision
	var plan struct{ Groups map[string]decision }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &answer))
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &plan))
	if len(plan.Groups) != 1 {
		ts.Fatalf("%d groups, want 1", len(plan.Groups))
	}
	for _, want := range plan.Groups {
		if len(want.Placement) == 0 || !maps.Equal(answer.Placement, want.Placement) || math.Abs(answer.Objective-want.Objective) > 1e-6 {
			ts.Fatalf("the answer is %+v, the plan %+v", answer, want)
		}
		answer.Objective = want.Objective // that of the plan is rounded
		if answer.Frontier != nil && !reflect.DeepEqual(answer, want) {
			ts.Fatalf("the answer explains %+v, the plan %+v", answer, want)
		}
	}
}

// passing matches what is different in every run.
var passing = regexp.MustCompile(`http://127\.0\.0\.1:\d+|\b\d+s ago`)

func checkDocument(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: shows FILE")
	}
	document, err := os.ReadFile(args[0]) // tests run in the repository's directory
	ts.Check(err)
	printed := passing.ReplaceAllStringFunc(ts.ReadFile("stdout"), func(s string) string {
		if strings.HasSuffix(s, "ago") {
			return "15s ago"
		}
		return "https://api.fly.io"
	})
	if !strings.Contains(string(document), printed) {
		ts.Fatalf("%s does not show:\n%s", args[0], printed)
	}
}

func checkRequests(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: requests N")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	w := ts.Value(worldKey{}).(*scriptWorld)
	if got := len(w.fly.Requests()) + len(w.metrics.Requests()) + len(w.github.Requests()); got != want {
		ts.Fatalf("%d requests, want %d", got, want)
	}
}
