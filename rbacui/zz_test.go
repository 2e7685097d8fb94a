package rbacui_test
import ("testing";"fmt";"os";"log/slog";"github.com/areagate/rbac/rbacui")
func TestZZ(t *testing.T){
 s:=newSite(t, rbacui.WithLogger(slog.New(slog.NewTextHandler(os.Stderr,nil))))
 for _,p:=range []string{"audit","review","review?area=deals&action=manage&person=tomas.vikberg"} { a:=s.get(mara,p); fmt.Println(a.StatusCode,len(a.body)); fmt.Println(a.text()) }
}
