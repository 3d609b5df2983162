package ghsim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

const maxLabelChars = 50

type labelJSON struct {
	ID          int64  `json:"id"`
	NodeID      string `json:"node_id"`
	URL         string `json:"url"`
	Name        string `json:"name"`
	Color       string `json:"color"`
	Default     bool   `json:"default"`
	Description string `json:"description"` // GitHub also says null, which its own description forbids in places
}

func (v view) labelsOf(p *pull) []labelJSON {
	out := []labelJSON{}
	for _, name := range p.labels {
		id := userID("label " + name)
		out = append(out, labelJSON{
			ID: id, NodeID: nodeID("Label", id), URL: v.api() + "/labels/" + url.PathEscape(name), Name: name, Color: "ededed",
		})
	}
	return out
}

func (s *Server) listLabels(w http.ResponseWriter, r *http.Request) {
	if p := s.findPull(w, r); p != nil {
		answerPage(w, r, s.at(r).labelsOf(p))
	}
}

// addLabels takes {"labels": […]} and the bare list, of names or of objects. A
// label that the repository doesn't have is made.
func (s *Server) addLabels(w http.ResponseWriter, r *http.Request) {
	p := s.findPull(w, r)
	if p == nil {
		return
	}
	data, _ := io.ReadAll(r.Body) // it is a buffer
	names, err := labelNames(data)
	if err != nil {
		answerError(w, http.StatusBadRequest, "Problems parsing JSON")
		return
	}
	for _, name := range names {
		if name == "" || utf8.RuneCountInString(name) > maxLabelChars {
			invalid(w, fieldError{Resource: "Label", Code: "invalid", Field: "name", Message: fmt.Sprintf("name is too long (maximum is %d characters)", maxLabelChars)})
			return
		}
	}
	s.label(p, names)
	answer(w, http.StatusOK, s.at(r).labelsOf(p))
}

func labelNames(data []byte) ([]string, error) {
	var object struct{ Labels []json.RawMessage }
	list := &object.Labels
	var into any = &object
	if strings.HasPrefix(strings.TrimSpace(string(data)), "[") {
		into = list
	}
	if err := json.Unmarshal(data, into); err != nil {
		return nil, err
	}
	var out []string
	for _, raw := range *list {
		var label struct{ Name string }
		if json.Unmarshal(raw, &label.Name) != nil {
			if err := json.Unmarshal(raw, &label); err != nil {
				return nil, err
			}
		}
		out = append(out, label.Name)
	}
	return out, nil
}

// label adds labels; the repository's own spelling of a name wins.
func (s *Server) label(p *pull, names []string) {
	for _, name := range names {
		same := func(other string) bool { return strings.EqualFold(other, name) }
		if i := slices.IndexFunc(s.labels, same); i >= 0 {
			name = s.labels[i]
		} else {
			s.labels = append(s.labels, name)
		}
		if !slices.Contains(p.labels, name) {
			p.labels = append(p.labels, name)
		}
	}
	p.updated = s.now()
}

func (s *Server) removeLabel(w http.ResponseWriter, r *http.Request) {
	p := s.findPull(w, r)
	if p == nil {
		return
	}
	i := slices.IndexFunc(p.labels, func(name string) bool { return strings.EqualFold(name, r.PathValue("name")) })
	if i < 0 {
		answerError(w, http.StatusNotFound, "Label does not exist")
		return
	}
	p.labels = slices.Delete(p.labels, i, i+1)
	answer(w, http.StatusOK, s.at(r).labelsOf(p))
}
