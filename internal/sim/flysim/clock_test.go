package flysim_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

// What a program that uses the clock asks of it.
var _ interface {
	Now() time.Time
	Sleep(context.Context, time.Duration) error
} = (*flysim.Clock)(nil)

// slow is a site whose Machines take their time.
func slow(t *testing.T, clock *flysim.Clock) *site {
	t.Helper()
	return start(t, flysim.Config{Clock: clock, BootTime: 4 * time.Second, CheckTime: 3 * time.Second, DestroyTime: time.Second})
}

// newWeb creates a healthy Machine's like over HTTP.
func (s *site) newWeb(region string) string {
	s.t.Helper()
	const config = `{"image":"x","services":[{"internal_port":8080,"checks":[{"type":"http"}]}],"checks":{"up":{"type":"tcp"}}}`
	id, _ := s.do(200, "POST", shop, `{"region":"`+region+`","config":`+config+`}`)["id"].(string)
	return id
}

// seen tells a Machine's state and the results of its checks.
func (s *site) seen(id string) string {
	s.t.Helper()
	m := s.do(200, "GET", shop+"/"+id, "")
	text, _ := m["state"].(string)
	for _, c := range m["checks"].([]any) {
		text += fmt.Sprintf(" %v", c.(map[string]any)["status"])
	}
	return text
}

func TestStatesTakeTheirTime(t *testing.T) {
	clock := flysim.NewClock()
	s := slow(t, clock)
	s.AddApp(flysim.App{Name: "shop"})
	id := s.newWeb("fra")
	path := shop + "/" + id
	post := func(action, body string) func() {
		return func() { s.do(200, "POST", path+action, body) }
	}
	for i, step := range []struct {
		do   func()
		pass time.Duration
		want string
	}{
		{nil, 0, "creating"},
		{nil, 2*time.Second - 1, "creating"},
		{nil, 1, "created"},
		{nil, 0, "starting"},
		{nil, 2*time.Second - 1, "starting"},
		{nil, 1, "started critical critical"},
		{nil, 3*time.Second - 1, "started critical critical"},
		{nil, 1, "started passing passing"},
		{post("/stop", `{"timeout":"7s"}`), 7*time.Second - 1, "stopping passing passing"},
		{nil, 1, "stopped warning warning"},
		{post("/stop", ``), time.Hour, "stopped warning warning"},
		{post("/start", ``), 0, "starting"},
		{post("/start", ``), 7 * time.Second, "started passing passing"},
		{post("/stop", `{"timeout":"0s"}`), 5*time.Second - 1, "stopping passing passing"},
		{nil, 1, "stopped warning warning"},
		{post("/start", ``), 7 * time.Second, "started passing passing"},
		{post("/restart?timeout=1s", ``), 0, "restarting passing passing"},
		{nil, time.Second, "starting"},
		{nil, 7 * time.Second, "started passing passing"},
		{post("/suspend", ``), 0, "suspending passing passing"},
		{nil, 4 * time.Second, "suspended warning warning"},
		{func() { s.do(200, "DELETE", path, "") }, 0, "destroying warning warning"},
		{nil, time.Second, "destroyed"},
	} {
		if step.do != nil {
			step.do()
		}
		clock.Advance(step.pass)
		if got := s.seen(id); got != step.want && (step.want != "created" || got != "starting") {
			t.Errorf("step %d: %q, want %q", i, got, step.want)
		}
	}
	bad := s.newWeb("fra")
	s.do(400, "POST", shop+"/"+bad+"/stop", `{"timeout":"soon"}`)
	s.do(400, "POST", shop+"/"+bad+"/stop", `{"signal":"SIGWINCH"}`)
	s.do(412, "POST", shop+"/"+bad+"/suspend", "")
	s.do(412, "POST", shop+"/"+bad+"/start", "")
}

func TestFates(t *testing.T) {
	for name, test := range map[string]struct {
		fate flysim.Fate
		want []string // after every second
	}{
		"thrives":  {flysim.Thrives, []string{"creating", "creating", "starting", "starting", "started critical", "started critical", "started critical", "started passing"}},
		"sick":     {flysim.StaysSick, []string{"creating", "creating", "starting", "starting", "started critical", "started critical", "started critical", "started critical"}},
		"crashes":  {flysim.CrashLoops, []string{"creating", "creating", "starting", "starting", "started critical", "started critical", "started critical", "started critical", "failed critical", "failed critical", "failed critical", "failed critical", "starting"}},
		"launches": {flysim.FailsToLaunch, []string{"creating", "creating", "starting", "starting", "launch_failed", "destroyed"}},
	} {
		t.Run(name, func(t *testing.T) {
			clock := flysim.NewClock()
			s := slow(t, clock)
			s.AddApp(flysim.App{Name: "shop"})
			s.Inject(flysim.Fault{Kind: flysim.Fated, Fate: test.fate, Times: 1, Status: http.StatusCreated})
			m := s.do(201, "POST", shop, `{"region":"fra","config":{"image":"x","checks":{"up":{"type":"tcp"}}}}`)
			id, _ := m["id"].(string)
			for second, want := range test.want {
				if got := s.seen(id); got != want {
					t.Errorf("after %d s: %q, want %q", second, got, want)
				}
				clock.Advance(time.Second)
			}
		})
	}
}

// At every moment a Machine of the list is what the Machine was a lag ago.
func TestListsLag(t *testing.T) {
	const lag = 3
	clock := flysim.NewClock()
	s := start(t, flysim.Config{Clock: clock, BootTime: 4 * time.Second, ListLag: lag * time.Second, DestroyTime: time.Second})
	old := s.web("ams")
	if got := s.list(""); !slices.Equal(got, []string{old}) {
		t.Fatalf("what was there is not listed: %q", got)
	}
	id := s.newWeb("fra")
	var truth []string
	for second := range 20 {
		switch second {
		case 8:
			s.do(200, "POST", shop+"/"+id+"/cordon", "")
		case 10:
			s.do(200, "DELETE", shop+"/"+id+"?force=true", "")
		}
		m := s.machine(id)
		truth = append(truth, fmt.Sprint(m.State, m.Cordoned))
		_, value := s.send("GET", shop+"?include_deleted=true", "")
		listed := "not there"
		for _, m := range value.([]any) {
			if m := m.(map[string]any); m["id"] == id {
				listed = fmt.Sprint(m["state"], m["cordoned"])
			}
		}
		want := "not there"
		if second >= lag {
			want = truth[second-lag]
		}
		if listed != want {
			t.Errorf("after %d s the list says %s, want %s", second, listed, want)
		}
		clock.Advance(time.Second)
	}
}

func TestWait(t *testing.T) {
	for name, test := range map[string]struct {
		query   string
		advance time.Duration
		status  int
		want    string
	}{
		"started by default":        {"", 4 * time.Second, 200, "started"},
		"one of several":            {"?state=failed,destroyed&state=started", 4 * time.Second, 200, "started"},
		"settled":                   {"?state=settled", 2 * time.Second, 200, "created"},
		"in time":                   {"?timeout=5", 4 * time.Second, 200, "started"},
		"too late":                  {"?timeout=3", 3 * time.Second, 408, "deadline_exceeded: machine failed to reach desired state, started, currently starting"},
		"a minute at most":          {"?state=failed", 60 * time.Second, 408, "currently started"},
		"a state that is none":      {"?state=flying", 0, 400, "invalid state"},
		"too long":                  {"?timeout=61", 0, 400, "invalid timeout"},
		"stopped without a version": {"?state=stopped", 0, 400, "instance_id is required"},
		"another version":           {"?state=stopped&version=x", 0, 404, "version not found"},
	} {
		t.Run(name, func(t *testing.T) {
			clock := flysim.NewClock()
			s := slow(t, clock)
			s.AddApp(flysim.App{Name: "shop"})
			id := s.newWeb("fra")
			type result struct {
				status int
				text   string
			}
			got := make(chan result, 1)
			go func() {
				resp, text, err := s.try("GET", shop+"/"+id+"/wait"+test.query, "")
				if err != nil {
					got <- result{text: err.Error()}
					return
				}
				got <- result{resp.StatusCode, text}
			}()
			for len(s.Requests()) < 2 || test.advance > 0 && clock.Waiting() == 0 {
				time.Sleep(100 * time.Microsecond)
			}
			clock.Advance(test.advance - 1)
			select {
			case r := <-got:
				if test.advance > 0 {
					t.Fatalf("too early: %+v", r)
				}
				got <- r
			default:
			}
			clock.Advance(1)
			if r := <-got; r.status != test.status || !strings.Contains(r.text, test.want) {
				t.Errorf("got %d %s", r.status, r.text)
			}
		})
	}
}

func TestWaitingInRealTime(t *testing.T) {
	s := start(t, flysim.Config{Now: time.Now, BootTime: 20 * time.Millisecond})
	s.AddApp(flysim.App{Name: "shop"})
	id := s.newWeb("fra")
	if got := s.do(200, "GET", shop+"/"+id+"/wait", ""); got["state"] != "started" {
		t.Errorf("got %v", got)
	}
}

func TestRateLimitsOfWrites(t *testing.T) {
	clock := flysim.NewClock()
	s := start(t, flysim.Config{Clock: clock, Limits: true})
	a, b := s.web("ams"), s.web("ams")
	burst := func(method, path, body string) (granted int) {
		for {
			if resp, _ := s.raw(method, path, body); resp.StatusCode == http.StatusTooManyRequests {
				return granted
			}
			granted++
		}
	}
	for _, path := range []string{a + "/cordon", b + "/cordon", a + "/uncordon", a + "/metadata/x"} {
		if got := burst("POST", shop+"/"+path, `{"value":""}`); got != 3 {
			t.Errorf("%s: %d at once", path, got)
		}
	}
	clock.Advance(2 * time.Second)
	if got := burst("POST", shop+"/"+a+"/cordon", ""); got != 2 {
		t.Errorf("after 2 s: %d at once", got)
	}
	if got := burst("POST", shop, `{"region":"fra","config":{"image":"x"}}`); got != 3 {
		t.Errorf("create: %d at once", got)
	}
}
