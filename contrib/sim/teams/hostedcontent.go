package teams

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// hostedSource is how a request refers to a picture that it brings along.
func hostedSource(id string) string { return "../hostedContents/" + id + "/$value" }

// hostPictures gives the pictures of a written message their addresses, in the body and in cards.
func (c *call) hostPictures(m *message) {
	for i := range m.content.hosted {
		h := &m.content.hosted[i]
		if h.placed {
			continue
		}
		path := "/v1.0" + m.channel.path() + "/messages/" + m.thread().textID()
		if m.root != nil {
			path += "/replies/" + m.textID()
		}
		source := hostedSource(h.id)
		h.id, h.placed = newSecret("aWQ9"), true
		address := c.origin + path + "/hostedContents/" + h.id + "/$value"
		m.content.text = strings.ReplaceAll(m.content.text, source, address)
		for j := range m.content.attachments {
			if text := m.content.attachments[j].Content; text != nil {
				m.content.attachments[j].Content = ptr(strings.ReplaceAll(*text, source, address))
			}
		}
	}
}

// path is the address of a channel or chat below the version.
func (c *Channel) path() string {
	if c.team == nil {
		return "/chats/" + c.ID
	}
	return fmt.Sprintf("/teams/%s/channels/%s", c.team.ID, c.ID)
}

type hostedJSON struct {
	Context string  `json:"@odata.context,omitempty"`
	ID      string  `json:"id"`
	Bytes   *string `json:"contentBytes"`
	Type    *string `json:"contentType"`
}

func listHostedContents(c *call) (int, any, error) {
	m, err := c.message()
	if err != nil {
		return 0, nil, err
	}
	list := []hostedJSON{}
	if m.deleted == 0 {
		for _, h := range m.content.hosted {
			list = append(list, hostedJSON{ID: h.id})
		}
	}
	return http.StatusOK, listJSON{Context: c.messageContext(m.channel, m.root) + "/hostedContents", Count: len(list), Value: list}, nil
}

func (c *call) hosted() (hosted, error) {
	m, err := c.message()
	if err != nil {
		return hosted{}, err
	}
	id := c.params[len(c.params)-1]
	i := slices.IndexFunc(m.content.hosted, func(h hosted) bool { return h.id == id })
	if i < 0 || m.deleted != 0 {
		return hosted{}, notFound("No hosted content found with id %s", id)
	}
	return m.content.hosted[i], nil
}

// getHostedContent never gives the bytes: only $value has them.
func getHostedContent(c *call) (int, any, error) {
	h, err := c.hosted()
	return http.StatusOK, hostedJSON{Context: c.context("hostedContents/$entity"), ID: h.id}, err
}

func getHostedBytes(c *call) (int, any, error) {
	h, err := c.hosted()
	return http.StatusOK, rawBody{contentType: h.contentType, data: h.data}, err
}
