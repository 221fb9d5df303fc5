import html

import nh3
from django.http import HttpResponse
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from flask import Flask, make_response, render_template, render_template_string, request
from jinja2 import Environment, FileSystemLoader, Template, select_autoescape
from markupsafe import Markup, escape

app = Flask(__name__)


# --- markup ---


def badge(label, count):
    # ruleid: fixby.python.markup-from-variable
    one = mark_safe(f"<b>{label}</b>")
    text = "<i>%s</i>" % label
    # ruleid: fixby.python.markup-from-variable
    two = Markup(text)
    # ok: fixby.python.markup-from-variable
    three = format_html("<b>{}</b>", label)
    # ok: fixby.python.markup-from-variable
    four = Markup("<i>%s</i>") % label
    # ok: fixby.python.markup-from-variable
    five = mark_safe("<b>%s</b>" % html.escape(label))
    # ok: fixby.python.markup-from-variable
    six = mark_safe("<hr>")
    # ok: fixby.python.markup-from-variable
    seven = mark_safe(f"<b>{len(count)}</b>")
    return one, two, three, four, five, six, seven


def preview():
    # ruleid: fixby.python.markup-from-request
    one = Markup(request.form["body"])
    body = request.args.get("body", "")
    # ruleid: fixby.python.markup-from-request, fixby.python.markup-from-variable
    two = mark_safe("<p>" + body.strip())
    # ok: fixby.python.markup-from-request
    three = Markup(nh3.clean(body))
    # ok: fixby.python.markup-from-request
    four = mark_safe("<p>" + escape(body))
    icons = {"up": "<i class=up></i>"}
    # ok: fixby.python.markup-from-request
    five = mark_safe(icons[request.args["sort"]])
    return one, two, three, four, five


# --- templates ---


def greeting(name):
    # ruleid: fixby.python.template-injection-request
    one = render_template_string("<p>Hello " + request.args["name"])
    # ruleid: fixby.python.template-injection-request
    two = Template(request.form["template"]).render()
    # ok: fixby.python.template-injection-request
    three = render_template_string("<p>Hello {{ name }}", name=request.args["name"])
    # ok: fixby.python.template-injection-request
    four = render_template("hello.html", name=request.args["name"])
    # ruleid: fixby.python.template-source-interpolated
    five = render_template_string(f"<p>Hello {name}")
    source = "<p>%s {{ now }}" % name
    # ruleid: fixby.python.template-source-interpolated
    six = render_template_string(source)
    # ok: fixby.python.template-source-interpolated
    seven = render_template_string("<p>Hello {{ name }}", name=f"Dr {name}")
    constant = "<p>{{ now }}"
    # ok: fixby.python.template-source-interpolated
    eight = render_template_string(constant)
    return one, two, three, four, five, six, seven, eight


# --- responses ---


@app.route("/hello")
def hello():
    name = request.args.get("name", "")
    if name == "raw":
        # ruleid: fixby.python.request-data-in-html-response
        return "<h1>Hello " + name + "</h1>"
    if name == "response":
        # ruleid: fixby.python.request-data-in-html-response
        return make_response(f"<h1>{name}</h1>")
    if name == "json":
        # ok: fixby.python.request-data-in-html-response
        return {"name": name}
    if name == "plain":
        # ok: fixby.python.request-data-in-html-response
        return "Hello " + name
    # ok: fixby.python.request-data-in-html-response
    return f"<h1>Hello {escape(name)}</h1>"


def search(request):
    words = request.GET["words"]
    # ruleid: fixby.python.request-data-in-html-response
    one = HttpResponse("<p>No result for %s" % words)
    # ok: fixby.python.request-data-in-html-response
    two = HttpResponse(f"<word>{words}</word>", content_type="text/plain")
    # ok: fixby.python.request-data-in-html-response
    three = HttpResponse("<p>%d words" % len(words))
    return one, two, three


# --- autoescape ---


def report(rows):
    environment = Environment(loader=FileSystemLoader("templates"))
    # ruleid: fixby.python.jinja2-autoescape-off
    return environment.get_template("report.html").render(rows=rows)


def report_off(rows):
    # ruleid: fixby.python.jinja2-autoescape-off
    environment = Environment(loader=FileSystemLoader("templates"), autoescape=False)
    return environment.get_template("report.html.j2").render(rows=rows)


def report_on(rows):
    environment = Environment(loader=FileSystemLoader("templates"), autoescape=select_autoescape())
    # ok: fixby.python.jinja2-autoescape-off
    return environment.get_template("report.html").render(rows=rows)


def generated_code(rows):
    # ok: fixby.python.jinja2-autoescape-off
    environment = Environment(loader=FileSystemLoader("templates"))
    # ok: fixby.python.jinja2-autoescape-off
    return environment.get_template("module.py.j2").render(rows=rows)
