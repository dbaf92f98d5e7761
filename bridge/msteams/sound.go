package msteams

import (
	"reflect"
	"slices"

	"github.com/microsoftgraph/msgraph-sdk-go/models"
)

// sound takes out of what Graph gave the nulls that stand in lists of messages and of what belongs to them: the SDK makes nil pointers of them.
func sound(parsed any) {
	switch p := parsed.(type) {
	case models.ChatMessageCollectionResponseable:
		p.SetValue(present(p.GetValue()))
		for _, m := range p.GetValue() {
			sound(m)
		}
	case models.ChatMessageable:
		p.SetAttachments(present(p.GetAttachments()))
		p.SetMentions(present(p.GetMentions()))
		p.SetReactions(present(p.GetReactions()))
		p.SetReplies(present(p.GetReplies()))
		for _, m := range p.GetReplies() {
			sound(m)
		}
	}
}

// present gives what is there of a list.
func present[T any](list []T) []T {
	return slices.DeleteFunc(list, func(one T) bool {
		v := reflect.ValueOf(&one).Elem()
		return v.IsNil() || v.Elem().Kind() == reflect.Pointer && v.Elem().IsNil()
	})
}
