package placement

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// whole is the file of docs/design.md §6, with every field there is.
const whole = `{"version": 1, "name": "shop/web", "value_per_ms": 38.9, "change_cost": 62.5, "machine_change_cost": 15.6,
 "current": {"iad": 4},
 "candidates": [{"region": "ams", "machine_cost": 64.4, "min_machines": 0, "max_machines": 20, "required": false, "backend_ms": 0, "min_running": 1}],
 "edges": [{"region": "lhr", "requests": 120000, "demand": [12.5], "gb_out": 40.0}],
 "latency_ms": [[7.1]],
 "transfer_usd_per_gb": [[0.006]],
 "soft_limit": 25, "hard_limit": 50,
 "limits": {"min_regions": 1, "max_regions": 0, "min_machines": 2, "max_machines": 200, "min_machines_per_region": 1, "max_changes": 0,
            "max_monthly_cost": 0, "max_p95_latency_ms": 0, "target_utilization": 0.8, "survive": "machine",
            "shrink_margin": 0.1},
 "autostop": {"stopped_machine_cost": 1.2, "running_scale": 1.1, "cold_start_ms": 900, "requests_per_hour": 3600}}`

func TestDecodeReadsEveryField(t *testing.T) {
	got, err := Decode([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	want := Problem{
		Version: 1, Name: "shop/web", ValuePerMS: 38.9, ChangeCost: 62.5, MachineChangeCost: 15.6, Current: map[string]int{"iad": 4},
		Candidates: []Candidate{{Region: "ams", MachineCost: 64.4, MaxMachines: 20, MinRunning: 1}},
		Edges:      []Edge{{Region: "lhr", Requests: 120000, Demand: []float64{12.5}, GBOut: 40}},
		LatencyMS:  [][]float64{{7.1}}, TransferUSDPerGB: [][]float64{{0.006}}, SoftLimit: 25, HardLimit: 50,
		Limits:   Limits{MinRegions: 1, MinMachines: 2, MaxMachines: 200, MinMachinesPerRegion: 1, TargetUtilization: 0.8, Survive: Machine, ShrinkMargin: 0.1},
		Autostop: &Autostop{StoppedCost: 1.2, Scale: 1.1, ColdStartMS: 900, RequestsPerHour: 3600},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for _, field := range []string{"candidates[0].required", "limits.max_p95_latency_ms", "limits.max_monthly_cost", "candidates[0].backend_ms"} {
		key := `"` + field[strings.LastIndexByte(field, '.')+1:] + `": `
		if _, err := Decode([]byte(strings.Replace(whole, key, key+`"x", "other": `, 1))); err == nil || !strings.Contains(err.Error(), field+" is a string") {
			t.Errorf("%s is not read: %v", field, err)
		}
	}
}

func TestDecodeReadsItsOwnWriting(t *testing.T) {
	for seed := range uint64(300) {
		p := randomProblem(rand.New(rand.NewPCG(seed, 11)))
		data, err := Encode(p)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(data)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, data)
		}
		if again, err := Encode(got); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("seed %d: %v\n%s\n%s", seed, err, data, again)
		}
		a, _ := Solve(p, Options{})
		b, _ := Solve(got, Options{})
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("seed %d: solved %+v, then %+v", seed, a, b)
		}
	}
	if data, err := Encode(Problem{Candidates: []Candidate{{Region: "ams"}}}); err != nil || bytes.Contains(data, []byte("null")) {
		t.Errorf("%s, %v", data, err)
	}
	if _, err := Encode(Problem{}); err == nil {
		t.Error("an invalid problem is written")
	}
}

func TestDecodeReportsEverythingAtOnce(t *testing.T) {
	const file = `{"version": 1, "name": 7, "value_per_m": 1, "change_cost": -1, "change_cost": 2, "hard_limit": null, "soft_limit": 1e999,
 "current": {"iad": 1.5, "ams": -2, "iad": 3},
 "candidates": [{"region": "ams", "machine_cost": "64"}, {"region": "ams", "required": 1, "min_machine": 2}, {"region": null}, {}, "fra"],
 "edges": [{"region": "lhr", "demand": [1, true]}, {"region": "cdg", "demand": [-1], "gb": {"a": [1, {"b": "]}"}]}}],
 "latency_ms": [[1, 2, 3], [1, 2, "3", -4, 5]],
 "limits": {"survive": "zone", "min_regions": 3, "max_regions": 2, "max_changes": 3.0, "Max_Machines": 4, "a b": 1}}`
	want := []string{
		"name is a number; it must be a string",
		"value_per_m is an unknown field; did you mean value_per_ms?",
		"change_cost is given twice",
		"hard_limit is null; it must be a number, or absent",
		"soft_limit is 1e999, beyond what a number can be",
		"current.iad is 1.5; it must be a whole number, such as 2, from 0 to 100000",
		"current.iad is given twice",
		"candidates[0].machine_cost is a string; it must be a number",
		"candidates[1].required is a number; it must be true or false",
		"candidates[1].min_machine is an unknown field; did you mean min_machines?",
		"candidates[2].region is null; it must be a string, or absent",
		"candidates[4] is a string; it must be an object",
		"edges[0].demand[1] is true; it must be a number",
		"edges[1].gb is an unknown field",
		"latency_ms[1][2] is a string; it must be a number",
		"limits.max_changes is 3.0; it must be a whole number, such as 2, from 0 to 100000",
		"limits.Max_Machines is an unknown field; did you mean max_machines?",
		`limits["a b"] is an unknown field`,
		"change_cost is -1; it must be a number from 0 to 1e15",
		`current["ams"] is -2; it must be from 0 to 100000`,
		`candidates[1].region is "ams", as that of candidates[0]; each must be there once`,
		"candidates[3].region is missing", "candidates[4].region is missing",
		"edges[1].demand has 1 hours, edges[0].demand 2; all edges must have the same",
		"edges[1].demand[0] is -1; it must be a number from 0 to 1e15",
		"latency_ms[0] has 3 columns for 5 candidates",
		"latency_ms[1][3] is -4; it must be a number from 0 to 1e15",
		"limits.min_regions 3 is above max_regions 2",
		`limits.survive is "zone"; it must be none, machine or region`,
	}
	_, err := Decode([]byte(file))
	if err == nil {
		t.Fatal("no error")
	}
	if got := strings.Split(err.Error(), "\n"); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", err, strings.Join(want, "\n"))
	}
}

func TestDecodeRefusesWhatIsNoProblem(t *testing.T) {
	for name, test := range map[string]struct{ file, want string }{
		"nothing":             {"", "the file is not JSON: line 1, column 1: unexpected end of JSON input"},
		"cut off":             {"{\"version\": 1,\n", "the file is not JSON: line 1, column 15: unexpected end"},
		"YAML":                {"version: 1", "line 1, column 1: invalid character 'v'"},
		"a comma too many":    {"{\"version\": 1,\n  \"name\": \"é\",}", "line 2, column 15: invalid character '}'"},
		"NaN":                 {`{"value_per_ms": NaN}`, "invalid character 'N'"},
		"more behind it":      {whole + "{}", "invalid character '{' after top-level value"},
		"Latin-1":             {"{\"name\": \"caf\xe9\"}", "no text in UTF-8"},
		"a list":              {"[1, 2]", "the file is a list; it must be an object"},
		"null":                {"null", "the file is null"},
		"no version":          {strings.Replace(whole, `"version": 1, `, "", 1), "version is missing; this program reads version 1"},
		"version 0":           {strings.Replace(whole, `"version": 1`, `"version": 0`, 1), "version is 0; this program reads version 1"},
		"version 2":           {strings.Replace(whole, `"version": 1`, `"version": 2`, 1), "version is 2; this program reads version 1"},
		"another kind":        {`{"version": 1, "app": "shop", "outcome": "planned", "groups": {}}`, "groups is an unknown field\ncandidates has 0 regions"},
		"no list":             {strings.Replace(whole, `[[7.1]]`, `{}`, 1), "latency_ms is an object; it must be a list of lists of numbers"},
		"a row that is none":  {strings.Replace(whole, `[[7.1]]`, `[7.1]`, 1), "latency_ms[0] is a number; it must be a list of numbers"},
		"too many rows":       {strings.Replace(whole, `[[7.1]]`, `[[7.1], [8]]`, 1), "latency_ms has 2 rows for 1 edges"},
		"a long key":          {`{"` + strings.Repeat("k", 500) + `": 1}`, `["` + strings.Repeat("k", 60) + `…"] is an unknown field`},
		"deep":                {strings.Repeat("[", 1e6), "the file is not JSON"},
		"deep and well made":  {`{"name": ` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}", "name is a list; it must be a string"},
		"an escaped twin":     {`{"version": 1, "v\u0065rsion": 1}`, "version is given twice"},
		"wrong everywhere":    {`{"latency_ms": [[` + strings.Repeat(`"",`, 10000) + `""]]}`, "\nthere may be more that is wrong than this"},
		"negative everywhere": {`{"latency_ms": [[` + strings.Repeat(`-1,`, 10000) + `-1]]}`, "\nthere may be more that is wrong than this"},
		"longer than allowed": {strings.Repeat(" ", MaxFile+1), "longer than 64 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Decode([]byte(test.file))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if n := strings.Count(err.Error(), "\n"); n > maxErrors || !reflect.DeepEqual(p, Problem{}) {
				t.Errorf("%d lines, and a problem %+v", n, p)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(whole))
	for seed := range uint64(20) {
		data, err := Encode(randomProblem(rand.New(rand.NewPCG(seed, 12))))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"version":1,"candidates":[{"region":"\ud800\"]"}],"x":{"y":["\\"]},"limits":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Decode(data)
		if err != nil {
			if !reflect.DeepEqual(p, Problem{}) {
				t.Fatalf("both a problem and %v", err)
			}
			return
		}
		if !json.Valid(data) {
			t.Fatal("no JSON is taken")
		}
		// Whatever is taken is valid, and means the same to encoding/json.
		var lenient Problem
		if err := json.Unmarshal(data, &lenient); err != nil {
			t.Fatalf("taken, but not by encoding/json: %v", err)
		}
		first, err := Encode(p)
		if err != nil {
			t.Fatalf("taken, but not valid: %v", err)
		}
		second, err := Encode(lenient)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("%v: read as\n%s\nbut encoding/json reads\n%s", err, first, second)
		}
		again, err := Decode(first)
		if err != nil {
			t.Fatalf("its own writing is refused: %v", err)
		}
		if third, err := Encode(again); err != nil || !bytes.Equal(first, third) {
			t.Fatalf("%v: written as\n%s\nand then\n%s", err, first, third)
		}
	})
}
