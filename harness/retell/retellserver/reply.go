package retellserver

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/evalrun/evalrun/harness/internal/localhttp"
)

// maxBody is how many bytes a request's body may have. Nothing is known of the
// platform's own limit.
const maxBody = 16 << 20

// statusError is an answer other than success.
type statusError struct {
	status  int
	message string
}

func (e *statusError) Error() string { return e.message }

// messageOf is what the platform's documents give as the message of a status.
func messageOf(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "Invalid request format, please check API reference."
	case http.StatusUnauthorized:
		return "API key is missing or invalid."
	case http.StatusPaymentRequired:
		return "Trial has ended, please add payment method."
	case http.StatusNotFound:
		return "The requested resource was not found."
	case http.StatusConflict:
		return "Resource update conflict."
	case http.StatusUnprocessableEntity:
		return "Cannot find requested asset under given api key."
	case http.StatusTooManyRequests:
		return "Account rate limited, please throttle your requests."
	case http.StatusInternalServerError:
		return "An unexpected server error occurred."
	}
	return http.StatusText(status)
}

func notFound() error {
	return &statusError{http.StatusNotFound, messageOf(http.StatusNotFound)}
}

// badRequest is a 400 with the documented message and what is wrong.
func badRequest(what string) error {
	return &statusError{http.StatusBadRequest, messageOf(http.StatusBadRequest) + " " + what}
}

// serve carries out one request, and what is to go wrong with it.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, op string, handle handler) {
	req := s.request(r, op)
	if err := s.admit(r); err != nil {
		fail(w, err)
		return
	}
	var fault Fault
	if s.Faults.Request != nil {
		fault = s.Faults.Request(req)
	}
	for name, values := range fault.Header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	if fault.DropBefore {
		panic(http.ErrAbortHandler)
	}
	if fault.Status != 0 && !fault.DropAfter {
		fail(w, fault.error())
		return
	}
	body, err := readBody(w, r)
	if err != nil {
		fail(w, err)
		return
	}
	status, answer, err := handle(req, body)
	switch {
	case fault.DropAfter && fault.Status != 0:
		fail(w, fault.error())
	case fault.DropAfter:
		panic(http.ErrAbortHandler)
	case err != nil:
		fail(w, err)
	case answer == nil:
		w.WriteHeader(status)
	default:
		reply(w, status, answer)
	}
}

// error is the answer in place of the right one.
func (f Fault) error() error {
	if f.Message != "" {
		return &statusError{f.Status, f.Message}
	}
	return &statusError{f.Status, messageOf(f.Status)}
}

// request counts a request and says what it is.
func (s *Server) request(r *http.Request, op string) Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[op]++
	return Request{Op: op, N: s.asked[op], ID: r.PathValue("id"), Path: r.URL.Path, Query: r.URL.Query(), Header: r.Header}
}

// admit refuses a request without the key.
func (s *Server) admit(r *http.Request) error {
	given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if s.APIKey != "" && (!bearer || !localhttp.SameKey(s.APIKey, given)) {
		return &statusError{http.StatusUnauthorized, messageOf(http.StatusUnauthorized)}
	}
	return nil
}

// readBody reads the body of a request that may have one.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Method != http.MethodPost && r.Method != http.MethodPut {
		return nil, nil
	}
	if r.Header.Get("Content-Type") == "" || !localhttp.JSONBody(r) {
		return nil, badRequest("The body must be application/json.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, &statusError{http.StatusRequestEntityTooLarge, "The body is larger than 16 MiB."}
	}
	if err != nil {
		return nil, badRequest("The body could not be read.")
	}
	return body, nil
}

// fail answers with an error.
func fail(w http.ResponseWriter, err error) {
	if bad := (*statusError)(nil); errors.As(err, &bad) {
		refuse(w, bad.status, bad.message)
		return
	}
	refuse(w, http.StatusInternalServerError, err.Error())
}

// refuse answers {"status": "error", "message": "..."}.
func refuse(w http.ResponseWriter, status int, message string) {
	reply(w, status, map[string]string{"status": "error", "message": message})
}

// reply sends one JSON text. An error of Write means that the client has left.
func reply(w http.ResponseWriter, status int, answer any) {
	data, err := json.Marshal(answer)
	if err != nil {
		status, data = http.StatusInternalServerError, []byte(`{"status":"error","message":"the answer can't be encoded"}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(data)
}
