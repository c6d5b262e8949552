package gotest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// HTTPModel asks a server to word a draft.
type HTTPModel struct{ URL, Prompt string }

// Word posts {"prompt", "draft"} and reads {"text"}.
func (m HTTPModel) Word(ctx context.Context, draft string) (string, error) {
	body, err := json.Marshal(map[string]string{"prompt": m.Prompt, "draft": draft})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.URL, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the model answered %s", resp.Status)
	}
	var answer struct{ Text string }
	err = json.NewDecoder(resp.Body).Decode(&answer)
	return answer.Text, err
}

// butler stands in for a model.
var butler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	var ask struct{ Prompt, Draft string }
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	text := ask.Draft
	if strings.Contains(ask.Prompt, "butler") {
		text = "If I may: " + strings.Replace(text, "Your order", "your order", 1)
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"text": text})
})
