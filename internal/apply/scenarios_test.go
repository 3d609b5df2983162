package apply_test

import (
	"time"

	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

var epoch = flysim.Epoch

type groups = map[string]counts

func web(n counts) groups { return groups{"web": n} }

func plainly(k kind) map[string]kind { return map[string]kind{"web": k} }

// scenarios are all that is applied in the sweeps.
func scenarios() []scenario {
	checked := plainly(kind{checks: true})
	return []scenario{
		{name: "grow", before: web(counts{"iad": 2}), after: web(counts{"iad": 3}), kinds: checked},
		{name: "shrink", before: web(counts{"iad": 3}), after: web(counts{"iad": 2}), kinds: checked},
		{name: "open", before: web(counts{"iad": 2}), after: web(counts{"iad": 2, "fra": 2}), kinds: checked},
		{name: "close", before: web(counts{"iad": 2, "fra": 1}), after: web(counts{"iad": 2}), kinds: checked},
		{name: "move", before: web(counts{"iad": 2}), after: web(counts{"fra": 2}), kinds: checked},
		{name: "move part", before: web(counts{"iad": 4}), after: web(counts{"iad": 2, "fra": 2}), kinds: checked},
		{name: "swap", before: web(counts{"iad": 2, "fra": 1}), after: web(counts{"iad": 1, "nrt": 2}), kinds: checked},
		{name: "no checks", before: web(counts{"iad": 2}), after: web(counts{"ams": 2})},
		{name: "limits", alike: true, before: web(counts{"iad": 2}), after: web(counts{"fra": 2}), kinds: checked, config: flysim.Config{Limits: true}},
		{
			name: "two groups", before: groups{"web": {"iad": 2}, "admin": {"iad": 1}},
			after: groups{"web": {"fra": 2}, "admin": {"fra": 1}}, kinds: map[string]kind{"web": {checks: true}},
		},
		{
			name: "one of two groups", before: groups{"web": {"iad": 1}, "worker": {"iad": 1}},
			after: web(counts{"fra": 1}), kinds: checked,
		},
		{name: "autostop", before: web(counts{"iad": 2}), after: web(counts{"fra": 2}), kinds: plainly(kind{checks: true, autostop: true})},
		{
			name: "asleep", before: web(counts{"iad": 2}), after: web(counts{"fra": 1, "iad": 1}), kinds: plainly(kind{autostop: true}),
			set: func(w *world) {
				for _, m := range w.living() {
					w.StopByProxy(shop, m.ID)
				}
			},
		},
		{
			name: "volume", before: web(counts{"iad": 2}), after: web(counts{"iad": 1, "fra": 1}), kinds: checked,
			set: func(w *world) {
				w.ChangeMachine(shop, w.living()[0].ID, func(m *flysim.Machine) {
					m.Config["mounts"] = []any{map[string]any{"volume": "vol_1", "name": "data", "path": "/data"}}
				})
			},
		},
		{name: "idle", before: web(counts{"iad": 2}), idle: web(counts{"iad": 1}), after: web(counts{"iad": 2, "fra": 1}), kinds: checked},
		{
			name: "leased", before: web(counts{"iad": 1}), after: web(counts{"fra": 1}), kinds: checked,
			set: func(w *world) { w.LeaseAll(shop, "ann", 40*time.Second) },
		},
		{name: "old API", before: web(counts{"iad": 2}), after: web(counts{"fra": 2}), kinds: checked, config: flysim.Config{OldAPI: true}},
		{
			name: "old API, leased", before: web(counts{"iad": 1}), after: web(counts{"fra": 1}), config: flysim.Config{OldAPI: true},
			set: func(w *world) { w.LeaseAll(shop, "ann", 40*time.Second) },
		},
		{name: "lists lag", alike: true, before: web(counts{"iad": 2}), after: web(counts{"fra": 2}), kinds: checked, config: flysim.Config{ListLag: 5 * time.Second}},
		{name: "pages", before: web(counts{"iad": 3}), after: web(counts{"iad": 2, "fra": 2}), kinds: checked, config: flysim.Config{PageSize: 2}},
		{name: "strict nonces", before: web(counts{"iad": 1}), after: web(counts{"fra": 1}), config: flysim.Config{NoStrayNonce: true}},
		{name: "forgotten at once", before: web(counts{"iad": 2}), after: web(counts{"fra": 2}), kinds: checked, config: flysim.Config{
			BootTime: time.Second, CheckTime: time.Second, ForgetTime: time.Millisecond,
		}},
		{name: "marks make versions", alike: true, before: web(counts{"iad": 2}), after: web(counts{"fra": 2}), kinds: checked, config: flysim.Config{MarksAreVersions: true}},
		{name: "back", alike: true, before: web(counts{"fra": 2}), after: web(counts{"iad": 2}), previous: web(counts{"fra": 2}), kinds: checked},
		{name: "slow to boot", alike: true, before: web(counts{"iad": 1}), after: web(counts{"fra": 1}), kinds: checked, config: flysim.Config{
			BootTime: 100 * time.Second, CheckTime: 20 * time.Second,
		}},
	}
}
