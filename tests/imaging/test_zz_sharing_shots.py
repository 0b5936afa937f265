import os, threading
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]="1"
from socketserver import ThreadingMixIn
from wsgiref.simple_server import make_server, WSGIServer, WSGIRequestHandler
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.wsgi import get_wsgi_application
from django.utils import timezone
from playwright.sync_api import sync_playwright
from imaging.models import Series, Study, ShareLink
from imaging.services.thumbnails import draw_thumbnail
from imaging.selectors.shares import list_links
from imaging.selectors.patients import list_invitations
from tenants.scoping import tenant_scope
from tests.cast import *
from tests.cast import actor as act
from tests.imaging.incoming import take_in
from tests.imaging.library import real_file
from tests.imaging.sharing import *
from pydicom.data import get_testdata_file
import pydicom, io
OUT="/tmp/shots_sharing"
class S(ThreadingMixIn, WSGIServer): daemon_threads=True
class H(WSGIRequestHandler):
    def log_message(self,*a): pass
def relabel(name, series, n, desc, mod):
    ds=pydicom.dcmread(io.BytesIO(real_file(name)))
    ds.StudyInstanceUID="1.2.826.0.1.99"; ds.SeriesInstanceUID=f"1.2.826.0.1.99.{series}"; ds.SOPInstanceUID=f"1.2.826.0.1.99.{series}.{n}"; ds.file_meta.MediaStorageSOPInstanceUID=ds.SOPInstanceUID
    ds.PatientName="Berger^Patricia"; ds.PatientID="N-20417"; ds.PatientBirthDate="19700131"; ds.StudyDate="20260312"; ds.StudyDescription="Knee, left"; ds.SeriesDescription=desc; ds.Modality=mod; ds.SeriesNumber=series; ds.InstanceNumber=n
    b=io.BytesIO(); ds.save_as(b); return b.getvalue()
def test_shots(live_db, settings):
    settings.ALLOWED_HOSTS=["*"]
    n=add_tenant("northside","Northside Dental"); add_person("Alice",n,"owner"); b=add_person("Bob",n,"uploader")
    files={}
    for i in range(3): files[f"a{i}"]=relabel("CT_small.dcm",1,i+1,"Axial bone","CT")
    files["m"]=relabel("MR_small.dcm",2,1,"T1 sagittal","MR"); files["u"]=relabel("examples_ybr_color.dcm",3,1,"","US"); 
    files["r"]=relabel("MR_small_RLE.dcm",4,1,"A very long series description that wraps over lines","MR")
    print(take_in(act(b),n,files)[0])
    with tenant_scope(n.id): ids=list(Series.objects.values_list("id",flat=True))
    for i in ids[:]:
        draw_thumbnail(n.id,i)
    with tenant_scope(n.id): Series.objects.filter(series_number=4).update(thumbnail=None)
    U="1.2.826.0.1.99"
    l1=send_link(n,b,U,may_download=True); l2=send_link(n,b,U); p=send_invitation(n,b,U); l3=send_link(n,b,U); l4=send_link(n,b,U)
    with tenant_scope(n.id): 
        ShareLink.objects.filter(id=l3.id).update(locked_at=timezone.now()); ShareLink.objects.filter(id=l4.id).update(revoked_at=timezone.now())
    srv=make_server("127.0.0.1",0,StaticFilesHandler(get_wsgi_application()),S,H); url=f"http://127.0.0.1:{srv.server_port}"
    settings.ORIGIN=url; settings.CSRF_TRUSTED_ORIGINS=[url]
    threading.Thread(target=srv.serve_forever,daemon=True).start()
    bob=sign_in(b); sess=bob.cookies["session"].value
    problems=[]
    def shot(pg,name):
        pg.wait_for_timeout(250)
        w=pg.viewport_size["width"]
        if pg.evaluate("document.documentElement.scrollWidth > innerWidth"): problems.append((name,w,"overflow"))
        if pg.viewport_size["width"]<1000:
            small=pg.evaluate("[...document.querySelectorAll('main button, main a, main input:not([type=hidden]), main select')].filter(e=>e.offsetParent).map(e=>[e.outerHTML.slice(0,60),e.getBoundingClientRect().height]).filter(x=>x[1]<44)")
            if small: problems.append((name,w,small))
        pg.screenshot(path=f"{OUT}/{name}-{w}.png",full_page=True)
    def nav(g,sel):
        with g.expect_navigation(): g.click(sel)
    with sync_playwright() as pw:
        br=pw.chromium.launch(executable_path="/usr/bin/chromium",args=["--no-sandbox"])
        for w,h in ((820,1180),(390,844)):
            def ctx(cookie=None,touch=True,**kw):
                c=br.new_context(viewport={"width":w,"height":h},has_touch=touch,is_mobile=touch,**kw)
                if cookie: c.add_cookies([{"name":"session","value":cookie,"url":url}])
                g=c.new_page(); g.on("console",lambda m: problems.append((g.url,m.text)) if m.type in("error",) else None)
                g.set_default_timeout(20000)
                g.on("request",lambda r: print(r.method,r.url.replace(url,""),{k:v for k,v in r.headers.items() if k in("origin","referer")}) if r.method=="POST" else None)
                return g
            g=ctx(); g.goto(url+l1.path); shot(g,"share_open")
            g.fill("#id_code",l1.wrong_code); nav(g,"form .btn--primary"); shot(g,"share_wrong")
            g.fill("#id_code",l1.code); nav(g,"form .btn--primary"); shot(g,"share_study"); print(g.url)
            nav(g,"text=I am done"); shot(g,"left")
            g.goto(url+l1.page); shot(g,"gone")
            g=ctx(); g.goto(url+l2.path); g.fill("#id_code",l2.code); nav(g,"form .btn--primary"); shot(g,"share_viewonly")
            g=ctx(); g.goto(url+p.path); shot(g,"patient_open")
            g.get_by_label("Month").select_option("1"); g.get_by_label("Day").fill("31"); g.get_by_label("Year").fill("1971"); g.fill("#id_code",p.code); nav(g,"form .btn--primary"); shot(g,"patient_wrong")
            g.get_by_label("Year").fill("1970"); g.fill("#id_code",p.code); nav(g,"form .btn--primary"); shot(g,"patient_study")
            with g.expect_download() as d: g.tap("text=Download original")
            print(d.value.suggested_filename)
            g=ctx(color_scheme="dark"); g.goto(url+l2.path); g.fill("#id_code",l2.code); nav(g,"form .btn--primary"); shot(g,"dark_study")
            g=ctx(sess); g.goto(url+f"/t/northside/studies/{U}/share"); shot(g,"create")
            g.fill("#id_recipient_name","Rita Ross"); g.fill("#id_recipient_email","rita@ortho.example"); nav(g,"text=Create the link"); shot(g,"created")
            g.goto(url+f"/t/northside/studies/{U}/patient"); shot(g,"invite"); g.fill("#id_email","pat@home.example"); nav(g,"form .btn--primary"); shot(g,"invited")
            g.goto(url+f"/t/northside/studies/{U}/"); shot(g,"study")
            if g.locator("[data-dialog-open^=revoke]").count():
                g.locator("[data-dialog-open^=revoke]").first.click(); g.wait_for_timeout(200); g.screenshot(path=f"{OUT}/revoke-{w}.png")
        br.close()
    srv.shutdown(); print(*problems,sep="\n")
