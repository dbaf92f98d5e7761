package docs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// resultsPage is what make bench has written.
const resultsPage = "../contrib/bench/RESULTS.md"

// quoted are the figures of the benchmark that README quotes, by part and name, with README's words for them.
var quoted = []struct{ part, figure, words string }{
	{"delay", "Mattermost → Teams, at rest, median", "delay at rest, Mattermost to Teams"},
	{"matterbridge", "channel to channel, at rest, median", "delay at rest, between two Mattermost channels"},
	{"delay", "Mattermost → Teams, sustained rate", "sustained rate, Mattermost to Teams"},
	{"delay", "Teams → Mattermost, rate of a burst", "rate of a burst, Teams to Mattermost"},
	{"matterbridge", "channel to channel, sustained rate", "sustained rate, between two Mattermost channels"},
	{"matterbridge", "CPU time of 1,000 messages said, at 40 a second", "CPU time of a message"},
	{"matterbridge", "resident memory after the load", "resident memory"},
	{"matterbridge", "at up to 300 a second, delivered", "delivered of up to 300 messages a second"},
	{"matterbridge", "kill -9, delivered", "delivered of what was said around a `kill -9`"},
	{"matterbridge", "websocket cut, delivered", "delivered of what was said around a cut websocket"},
}

const costsText = `## What it costs

Each figure is Causeway's divided by the other's in the same run: the median of the rounds, with the least and the greatest. Causeway
makes every message durable on disk before and after it is written; the bare relay only reads a websocket and posts, and Matterbridge
keeps nothing of messages. A burst in Teams is read page by page, no faster than Graph allows.

| | to a bare relay | to Matterbridge |
|---|---|---|
`

const costsEnd = "\nAll figures, with machine, versions and command: [contrib/bench/RESULTS.md](contrib/bench/RESULTS.md); `make bench` measures them anew.\n"

// costs is README's section about costs for a page of results. What has no ratio, as when the other has nothing, is left out; a figure
// that the page lacks is an error.
func costs(results string) (string, error) {
	_, ratios, found := strings.Cut(results, "\n## Ratios\n")
	ratios, _, _ = strings.Cut(ratios, "\n## ")
	if !found {
		return "", errors.New("the results have no ratios")
	}
	rows := map[[2]string][]string{}
	for line := range strings.Lines(ratios) {
		if cells := strings.Split(strings.Trim(line, "| \n"), "|"); len(cells) >= 3 {
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			rows[[2]string{cells[0], cells[1]}] = append(cells[2:], "")
		}
	}
	text := costsText
	for _, q := range quoted {
		row, ok := rows[[2]string{q.part, q.figure}]
		if !ok && strings.Contains(results, "| "+q.figure+" |") {
			continue
		}
		if !ok {
			return "", fmt.Errorf("the results have no ratio of %q in the part %s", q.figure, q.part)
		}
		text += "| " + q.words
		for _, ratio := range row[:2] {
			if ratio == "" {
				ratio = "–"
			}
			text += " | " + ratio
		}
		text += " |\n"
	}
	return text + costsEnd, nil
}

// TestReadmeQuotesTheRatios: README says what the benchmark found last, and nothing before it has run.
func TestReadmeQuotesTheRatios(t *testing.T) {
	results, err := os.ReadFile(resultsPage)
	want := ""
	if err == nil {
		want, err = costs(string(results))
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		t.Fatal(err)
	}
	kept(t, "<!-- costs: written by go test ./docs -update -->\n", want, "<!-- end of costs -->\n")
}

func TestCostsAreRatios(t *testing.T) {
	results := "# What Causeway costs\n\n## Ratios\n\n| part | figure | to bare | to Matterbridge |\n|---|---|---|---|\n"
	want := costsText
	for i, q := range quoted {
		results += fmt.Sprintf("| %s | %s | × %d (1–9) |  |\n", q.part, q.figure, i)
		want += fmt.Sprintf("| %s | × %d (1–9) | – |\n", q.words, i)
	}
	got, err := costs(results + "\n## First marks\n\n| no | ratio | here | |\n")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want+costsEnd, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	without := strings.Replace(results, "kill -9", "kill -8", 1)
	if _, err := costs(without); err == nil {
		t.Error("a figure that is missing is no error")
	}
	if got, err := costs(without + "\n## matterbridge\n| kill -9, delivered | % | 100 | | 0 |\n"); err != nil || strings.Contains(got, "kill -9") {
		t.Errorf("a figure without a ratio: %v\n%s", err, got)
	}
}
