package ghsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxCommentChars is GitHub's limit of a comment.
const maxCommentChars = 65536

func (s *Server) listComments(w http.ResponseWriter, r *http.Request) {
	number, ok := s.number(w, r)
	if !ok {
		return
	}
	if page, _ := paging(r.URL.Query()); page == 1 {
		s.lists++
	}
	var all []commentJSON
	for _, c := range s.comments {
		if c.number == number && s.lists >= c.visibleFrom && (c.goneFrom == 0 || s.lists < c.goneFrom) {
			all = append(all, s.at(r).comment(c))
		}
	}
	answerPage(w, r, all)
}

// paging reads page and per_page as GitHub does: 30 by default, at most 100,
// nonsense is ignored.
func paging(q url.Values) (page, perPage int) {
	page, perPage = 1, 30
	if n, err := strconv.Atoi(q.Get("page")); err == nil && n > 0 {
		page = min(n, 1_000_000)
	}
	if n, err := strconv.Atoi(q.Get("per_page")); err == nil && n > 0 {
		perPage = min(n, 100)
	}
	return page, perPage
}

// links writes the Link header of a page; empty when there is only one.
func links(r *http.Request, page, perPage, total int) string {
	last := max(1, (total+perPage-1)/perPage)
	var out []string
	add := func(rel string, n int) {
		q := r.URL.Query()
		q.Set("page", fmt.Sprint(n))
		out = append(out, fmt.Sprintf("<http://%s%s?%s>; rel=%q", r.Host, r.URL.Path, q.Encode(), rel))
	}
	if page > 1 {
		add("prev", page-1)
	}
	if page < last {
		add("next", page+1)
		add("last", last)
	}
	if page > 1 {
		add("first", 1)
	}
	return strings.Join(out, ", ")
}

func (s *Server) createComment(w http.ResponseWriter, r *http.Request) {
	number, ok := s.number(w, r)
	if !ok {
		return
	}
	body, ok := s.commentBody(w, r)
	if !ok {
		return
	}
	out := s.at(r).comment(s.addComment(number, *caller(r), body))
	w.Header().Set("Location", out.URL)
	answer(w, http.StatusCreated, out)
}

func (s *Server) getComment(w http.ResponseWriter, r *http.Request) {
	if c := s.findComment(w, r); c != nil {
		answer(w, http.StatusOK, s.at(r).comment(c))
	}
}

// updateComment lets whoever may write change any comment, as GitHub lets an App
// with the permission: only the client's care keeps other people's comments whole.
func (s *Server) updateComment(w http.ResponseWriter, r *http.Request) {
	body, ok := s.commentBody(w, r)
	if !ok {
		return
	}
	if c := s.findComment(w, r); c != nil {
		s.editComment(c, caller(r).Login, body)
		answer(w, http.StatusOK, s.at(r).comment(c))
	}
}

func (s *Server) editComment(c *comment, login, body string) {
	c.body, c.updated = body, s.now()
	c.editor, c.edited = login, c.updated
}

func (s *Server) deleteComment(w http.ResponseWriter, r *http.Request) {
	if c := s.findComment(w, r); c != nil {
		c.goneFrom = s.lists + 1 + s.cfg.ListLag
		w.WriteHeader(http.StatusNoContent)
	}
}

// findComment returns the comment that the path names; it answers for the server
// when there is none.
func (s *Server) findComment(w http.ResponseWriter, r *http.Request) *comment {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	i := slices.IndexFunc(s.comments, func(c *comment) bool { return err == nil && c.id == id && c.goneFrom == 0 })
	if i < 0 {
		notFound(w)
		return nil
	}
	return s.comments[i]
}

// number returns the pull request that the path names.
func (s *Server) number(w http.ResponseWriter, r *http.Request) (int, bool) {
	p := s.findPull(w, r)
	if p == nil {
		return 0, false
	}
	return p.number, true
}

func (s *Server) commentBody(w http.ResponseWriter, r *http.Request) (string, bool) {
	data, err := io.ReadAll(r.Body)
	var in struct {
		Body *string `json:"body"`
	}
	if err != nil || json.Unmarshal(data, &in) != nil {
		answerError(w, http.StatusBadRequest, "Problems parsing JSON")
		return "", false
	}
	if in.Body == nil || strings.TrimSpace(*in.Body) == "" {
		answerError(w, http.StatusUnprocessableEntity, "Validation Failed", fieldError{Resource: "IssueComment", Code: "missing_field", Field: "body"})
		return "", false
	}
	if utf8.RuneCountInString(*in.Body) > maxCommentChars {
		answerError(w, http.StatusUnprocessableEntity, "Validation Failed", fieldError{
			Resource: "IssueComment", Code: "unprocessable", Field: "data",
			Message: fmt.Sprintf("Body is too long (maximum is %d characters)", maxCommentChars),
		})
		return "", false
	}
	body := strings.TrimRight(*in.Body, " \t\r\n")
	if s.cfg.CRLF {
		body = strings.ReplaceAll(strings.ReplaceAll(body, "\r\n", "\n"), "\n", "\r\n")
	}
	return body, true
}

// cloneWithBody copies a request so that both copies can be read.
func cloneWithBody(r *http.Request) *http.Request {
	data, _ := io.ReadAll(r.Body) // it is a buffer
	r.Body = io.NopCloser(bytes.NewReader(data))
	twin := r.Clone(r.Context())
	twin.Body = io.NopCloser(bytes.NewReader(data))
	return twin
}
