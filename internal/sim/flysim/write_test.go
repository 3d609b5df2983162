package flysim_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

const (
	nonceHeader = "fly-machine-lease-nonce"
	shop        = "/v1/apps/shop/machines"
)

// do sends a request that is to be answered with a status and returns the
// answer's JSON object, if it has a body.
func (s *site) do(want int, method, path, body string, headers ...string) map[string]any {
	s.t.Helper()
	resp, text := s.raw(method, path, body, headers...)
	if resp.StatusCode != want {
		s.t.Fatalf("%s %s %s: %s %s, want %d", method, path, body, resp.Status, text, want)
	}
	var object map[string]any
	if text != "" {
		if err := json.Unmarshal([]byte(text), &object); err != nil {
			s.t.Fatalf("%s %s: %q: %v", method, path, text, err)
		}
	}
	return object
}

// state returns a Machine's state as the API tells it.
func (s *site) state(id string) string {
	s.t.Helper()
	state, _ := s.do(200, "GET", shop+"/"+id, "")["state"].(string)
	return state
}

// machine returns a Machine as the server has it.
func (s *site) machine(id string) flysim.Machine {
	s.t.Helper()
	machines := s.Machines("shop")
	i := slices.IndexFunc(machines, func(m flysim.Machine) bool { return m.ID == id })
	if i < 0 {
		s.t.Fatalf("no Machine %s", id)
	}
	return machines[i]
}

// web adds a started, healthy Machine in a region.
func (s *site) web(region string) string { return s.AddMachine("shop", flysim.Web{}.Machine(region)) }

// Every write on a Machine that somebody else leased is refused and changes
// nothing; the owner's goes through.
func TestALeasedMachineIsWrittenByItsOwnerOnly(t *testing.T) {
	const config = `{"config":{"image":"x"}}`
	for name, test := range map[string]struct {
		method, path, body string
		status             int
		stopped            bool
	}{
		"update":          {"POST", "", config, 200, false},
		"destroy":         {"DELETE", "?force=true", "", 200, false},
		"start":           {"POST", "/start", "", 200, true},
		"stop":            {"POST", "/stop", "", 200, false},
		"suspend":         {"POST", "/suspend", "", 200, false},
		"restart":         {"POST", "/restart", "", 200, false},
		"cordon":          {"POST", "/cordon", "", 200, false},
		"uncordon":        {"POST", "/uncordon", "", 200, false},
		"set metadata":    {"POST", "/metadata/a", `{"value":"b"}`, 204, false},
		"delete metadata": {"DELETE", "/metadata/fly_process_group", "", 204, false},
		"lease":           {"POST", "/lease?ttl=30", "", 201, false},
		"release":         {"DELETE", "/lease", "", 200, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, flysim.Config{})
			id := s.web("ams")
			if test.stopped {
				s.ChangeMachine("shop", id, func(m *flysim.Machine) { m.State = "stopped" })
			}
			s.ChangeMachine("shop", id, func(m *flysim.Machine) {
				m.Lease = &flysim.Lease{Nonce: "n1", Owner: "ann", Expires: flysim.Epoch.Add(time.Minute)}
			})
			changed := 0
			s.Watch(func(flysim.Event) { changed++ })
			for _, nonce := range []string{"", "n2"} {
				refusal := s.do(409, test.method, shop+"/"+id+test.path, test.body, nonceHeader, nonce)
				want := "machine ID " + id + " lease currently held by ann@tokens.fly.io, expires at 2026-11-02T09:01:00Z"
				if refusal["error"] != want {
					t.Errorf("got %q, want %q", refusal["error"], want)
				}
			}
			if changed > 0 {
				t.Errorf("a refused request changed %d times", changed)
			}
			s.do(test.status, test.method, shop+"/"+id+test.path, test.body, nonceHeader, "n1")
			if changed == 0 && name != "uncordon" {
				t.Error("the owner's request changed nothing")
			}
		})
	}
}

func TestLeases(t *testing.T) {
	clock := flysim.NewClock()
	s := start(t, flysim.Config{Clock: clock})
	id := s.web("ams")
	lease := shop + "/" + id + "/lease"
	s.do(404, "GET", lease, "")
	s.do(404, "DELETE", lease, "", nonceHeader, "x")
	data := s.do(201, "POST", lease+"?ttl=30", "")["data"].(map[string]any)
	nonce, _ := data["nonce"].(string)
	if nonce == "" || data["expires_at"] != float64(flysim.Epoch.Unix()+30) || data["version"] == nil {
		t.Fatalf("lease %v", data)
	}
	told := s.do(200, "GET", lease, "")["data"].(map[string]any)
	if told["nonce"] != nil || told["owner"] != "flysim@tokens.fly.io" {
		t.Errorf("the lease tells %v", told)
	}
	clock.Advance(20 * time.Second)
	s.do(409, "POST", lease, "")
	renewed := s.do(201, "POST", lease, `{"ttl":30}`, nonceHeader, nonce)["data"].(map[string]any)
	if renewed["nonce"] != nonce || renewed["expires_at"] != float64(flysim.Epoch.Unix()+50) {
		t.Errorf("renewed to %v", renewed)
	}
	clock.Advance(30*time.Second - 1)
	s.do(409, "POST", shop+"/"+id+"/cordon", "")
	clock.Advance(1)
	s.do(404, "POST", lease, "", nonceHeader, nonce)
	s.do(200, "POST", shop+"/"+id+"/cordon", "")
	s.do(200, "POST", shop+"/"+id+"/cordon", "", nonceHeader, nonce)
	if again := s.do(201, "POST", lease, "")["data"].(map[string]any); again["nonce"] == nonce {
		t.Error("two leases have one nonce")
	}
	for _, bad := range []string{"?ttl=0", "?ttl=x"} {
		s.do(400, "POST", shop+"/"+s.web("fra")+"/lease"+bad, "")
	}
	strict := start(t, flysim.Config{NoStrayNonce: true})
	id = strict.web("ams")
	strict.do(409, "POST", shop+"/"+id+"/cordon", "", nonceHeader, "stray")
	strict.do(200, "POST", shop+"/"+id+"/cordon", "")
}

func TestCreateTakesPlaces(t *testing.T) {
	const fra, ams = `{"region":"fra","config":{"image":"x"}}`, `{"region":"ams","config":{"image":"x"}}`
	s := start(t, flysim.Config{Capacity: map[string]int{"fra": 2}, MaxMachines: 4})
	s.AddApp(flysim.App{Name: "shop"})
	first, _ := s.do(200, "POST", shop, fra)["id"].(string)
	s.do(200, "POST", shop, fra)
	if full := s.do(422, "POST", shop, fra); full["status"] != "insufficient_capacity" {
		t.Errorf("a full region says %v", full)
	}
	_, value := s.send("POST", "/v1/platform/placements", `{"org_slug":"personal","region":"fra","count":1}`)
	if rows := value.(map[string]any)["regions"].([]any); len(rows) != 0 {
		t.Errorf("placements still find %v", rows)
	}
	s.do(200, "DELETE", shop+"/"+first+"?kill=true", "")
	s.do(200, "POST", shop, fra)
	s.SetCapacity("ams", 0)
	s.do(422, "POST", shop, ams)
	s.SetCapacity("ams", 5)
	s.do(200, "POST", shop, ams)
	s.do(200, "POST", shop, ams)
	if full := s.do(422, "POST", shop, ams); !strings.HasPrefix(full["error"].(string), "Your organization has reached its machine limit") {
		t.Errorf("the limit says %v", full)
	}
}

func TestTheConfigurationIsKeptAsItIs(t *testing.T) {
	const config = `{"big":12345678901234567890,"brand_new":{"deep":[1.50,null]},"image":"registry.fly.io/shop:v1@sha256:77"}`
	s := start(t, flysim.Config{})
	s.AddApp(flysim.App{Name: "shop"})
	m := s.do(200, "POST", shop, `{"region":"fra","config":`+config+`}`)
	if kept, _ := json.Marshal(s.Machines("shop")[0].Config); string(kept) != config {
		t.Errorf("kept %s", kept)
	}
	image := m["image_ref"].(map[string]any)
	if image["registry"] != "registry.fly.io" || image["repository"] != "shop" || image["tag"] != "v1" || image["digest"] != "sha256:77" {
		t.Errorf("image %v", image)
	}
}

func TestUpdate(t *testing.T) {
	clock := flysim.NewClock()
	s := start(t, flysim.Config{Clock: clock, BootTime: 2 * time.Second})
	id := s.web("ams")
	path := shop + "/" + id
	before := s.do(200, "GET", path, "")
	version, _ := before["version"].(string)
	conflict := s.do(409, "POST", path, `{"config":{"image":"y"},"current_version":"old"}`)
	if conflict["error"] != "aborted: machine update failed due to concurrent update" {
		t.Errorf("got %v", conflict)
	}
	s.do(400, "POST", path, `{"config":{}}`)
	s.do(400, "POST", path, `{"region":"fra","config":{"image":"y"}}`)
	after := s.do(200, "POST", path, `{"config":{"image":"y:2"},"current_version":"`+version+`"}`)
	if after["version"] == version || after["image_ref"].(map[string]any)["tag"] != "2" || s.state(id) != "starting" {
		t.Errorf("updated to %v", after)
	}
	clock.Advance(2 * time.Second)
	if s.state(id) != "started" {
		t.Errorf("it is %s after an update", s.state(id))
	}
	s.ChangeMachine("shop", id, func(m *flysim.Machine) { m.State = "stopped" })
	s.do(200, "POST", path, `{"config":{"image":"y:3"},"skip_launch":true}`)
	clock.Advance(time.Minute)
	if s.state(id) != "stopped" {
		t.Errorf("it is %s after an update without a launch", s.state(id))
	}
}

func TestMetadata(t *testing.T) {
	s := start(t, flysim.Config{})
	id := s.web("ams")
	path := shop + "/" + id + "/metadata"
	before := s.machine(id)
	s.do(204, "POST", path+"/fly_placer_retire", `{"value":"d"}`)
	if got := s.do(200, "GET", path, ""); got["fly_placer_retire"] != "d" || got["fly_process_group"] != "app" {
		t.Errorf("metadata %v", got)
	}
	if got := s.do(200, "GET", path+"/fly_placer_retire", ""); got["value"] != "d" {
		t.Errorf("value %v", got)
	}
	if got := s.list("?metadata.fly_placer_retire=d"); !slices.Equal(got, []string{id}) || len(s.list("?metadata.fly_placer_retire=e")) > 0 {
		t.Errorf("filtered to %q", got)
	}
	s.do(204, "DELETE", path+"/fly_placer_retire", "")
	s.do(204, "DELETE", path+"/fly_placer_retire", "")
	s.do(404, "GET", path+"/fly_placer_retire", "")
	s.do(400, "POST", path+"/a", `{}`)
	if before.Config["metadata"].(map[string]any)["fly_placer_retire"] != nil {
		t.Error("a snapshot changed")
	}
	if m := s.do(200, "GET", shop+"/"+id, ""); m["state"] != "started" || m["version"] != "01KAINSTANCE00000000000001" {
		t.Errorf("metadata made it %v %v", m["state"], m["version"])
	}
}

func TestWhatIsDestroyedIsGone(t *testing.T) {
	clock := flysim.NewClock()
	s := start(t, flysim.Config{Clock: clock, DestroyTime: time.Second, ForgetTime: time.Minute})
	id := s.web("ams")
	s.do(412, "DELETE", shop+"/"+id, "")
	s.do(200, "DELETE", shop+"/"+id+"?force=true", "")
	if s.state(id) != "destroying" {
		t.Errorf("it is %s", s.state(id))
	}
	s.do(200, "DELETE", shop+"/"+id+"?force=true", "")
	clock.Advance(time.Second)
	if s.state(id) != "destroyed" || len(s.list("")) > 0 || len(s.list("?include_deleted=true")) != 1 {
		t.Errorf("it is %s, or listed", s.state(id))
	}
	s.do(404, "POST", shop+"/"+id+"/start", "")
	clock.Advance(time.Minute)
	s.do(404, "GET", shop+"/"+id, "")
	for _, state := range []string{"stopped", "suspended", "created", "failed"} {
		id := s.AddMachine("shop", flysim.Machine{Region: "ams", State: state})
		s.do(200, "DELETE", shop+"/"+id, "")
	}
}

func TestEvents(t *testing.T) {
	s := start(t, flysim.Config{})
	id := s.web("ams")
	s.do(200, "POST", shop+"/"+id+"/stop", `{"signal":"SIGKILL"}`)
	_, value := s.send("GET", shop+"/"+id+"/events?limit=2", "")
	var got []string
	for _, e := range value.([]any) {
		got = append(got, e.(map[string]any)["status"].(string))
	}
	if !slices.Equal(got, []string{"stopped", "stopping"}) {
		t.Errorf("events %q", got)
	}
	if resp, _ := s.raw("GET", shop+"/"+id+"/events?limit=0", ""); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("limit 0: %s", resp.Status)
	}
}
