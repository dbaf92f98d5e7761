package markdown

import (
	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"

	"causeway/bridge/richtext"
)

// boxes are what begins the item of a list that is a task.
var boxes = map[richtext.Task]string{richtext.TaskOpen: "[ ] ", richtext.TaskDone: "[x] "}

// box gives the length of the box that s begins with; 0 when it begins with none. The library's own parser needs no space
// behind it and so takes "[x](…)" for one.
func box(s string) int {
	const length = len("[ ] ")
	if len(s) <= length || s[0] != '[' || s[2] != ']' || s[3] != ' ' || s[1] != ' ' && s[1] != 'x' && s[1] != 'X' || s[length] == '\n' {
		return 0
	}
	return length
}

// taskParser takes the boxes of tasks.
type taskParser struct{}

// Trigger names the first character of a box.
func (taskParser) Trigger() []byte { return []byte{'['} }

// Parse takes the box at the beginning of an item.
func (taskParser) Parse(parent ast.Node, block text.Reader, _ parser.Context) ast.Node {
	if parent.HasChildren() || parent.Parent() == nil || parent.Parent().FirstChild() != parent {
		return nil
	}
	if _, ok := parent.Parent().(*ast.ListItem); !ok {
		return nil
	}
	switch parent.(type) {
	case *ast.Paragraph, *ast.TextBlock:
	default:
		return nil
	}
	line, _ := block.PeekLine()
	n := box(string(line[:min(len(line), 8)]))
	if n == 0 {
		return nil
	}
	block.Advance(n)
	return east.NewTaskCheckBox(line[1] != ' ')
}

func taskOf(box *east.TaskCheckBox) richtext.Task {
	if box.IsChecked {
		return richtext.TaskDone
	}
	return richtext.TaskOpen
}

// edgeOfBox is what must follow a box: anything. In what is written it may be in the next run.
const edgeOfBox = "."
