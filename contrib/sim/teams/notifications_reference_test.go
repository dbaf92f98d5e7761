package teams_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"causeway/contrib/sim/teams/notify"
	"causeway/contrib/sim/teams/reference"
)

// seeNotification compares a notification with Microsoft's schema. Forged ones are left out.
func (c *answersChecker) seeNotification(p notify.Post) {
	if p.Forged {
		return
	}
	err := c.checkNotification(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.checked["changeNotificationCollection"]++
	if err != nil {
		c.wrong = append(c.wrong, fmt.Sprintf("notification: %v\n%s", err, p.Body))
	}
}

// checkNotification checks the collection and every item by itself. Two things in which the service's own samples differ
// from its schema are taken out first: the capitals in the type of resourceData, which is no kind of resourceData
// anyway, and validation tokens that are null.
func (c *answersChecker) checkNotification(p notify.Post) error {
	var document map[string]any
	if err := json.Unmarshal(p.Body, &document); err != nil {
		return err
	}
	if tokens, there := document["validationTokens"]; there && tokens == nil {
		delete(document, "validationTokens")
	}
	mode := reference.Answer
	if p.Lifecycle {
		mode = reference.Selected // changeType and resource are required in the schema and missing in the samples
	}
	items, _ := document["value"].([]any)
	for _, it := range items {
		object, _ := it.(map[string]any)
		data, _ := object["resourceData"].(map[string]any)
		if data == nil && !p.Lifecycle {
			return errors.New("an item without resourceData")
		}
		if kind, _ := data["@odata.type"].(string); data != nil && !strings.EqualFold(kind, "#Microsoft.Graph.chatMessage") {
			return fmt.Errorf("resourceData is a %q", kind)
		}
		delete(data, "@odata.type")
		if change, _ := object["changeType"].(string); change != "" {
			object["changeType"] = strings.ToLower(change)
		}
		text, err := json.Marshal(object)
		if err != nil {
			return err
		}
		if err := c.schema.Check("changeNotification", text, mode); err != nil {
			return err
		}
	}
	text, err := json.Marshal(document)
	if err != nil {
		return err
	}
	return c.schema.Check("changeNotificationCollection", text, reference.Selected)
}
