import DOMPurify from "dompurify";
import { useSearchParams } from "next/navigation";

const BANNER = "<b>New</b>";

export function Article({ body, title, summary }: Props) {
  const clean = DOMPurify.sanitize(body);
  return [
    // ruleid: fixby.javascript.react-html-from-variable
    <div className="body" dangerouslySetInnerHTML={{ __html: body }} />,
    // ruleid: fixby.javascript.react-html-from-variable
    <p dangerouslySetInnerHTML={{ __html: `<b>${title}</b>` }}></p>,
    // ok: fixby.javascript.react-html-from-variable
    <div dangerouslySetInnerHTML={{ __html: DOMPurify.sanitize(body) }} />,
    // ok: fixby.javascript.react-html-from-variable
    <div dangerouslySetInnerHTML={{ __html: clean }} />,
    // ok: fixby.javascript.react-html-from-variable
    <div dangerouslySetInnerHTML={{ __html: BANNER }} />,
    // ok: fixby.javascript.react-html-from-variable
    <script type="application/ld+json" dangerouslySetInnerHTML={{ __html: JSON.stringify(summary) }} />,
  ];
}

export function Links({ page }: { page: string }) {
  const [params] = useSearchParams();
  return [
    // ruleid: fixby.javascript.script-url-from-location
    <a href={params.get("back")}>Back</a>,
    // ok: fixby.javascript.script-url-from-location
    <a href={`/articles?page=${params.get("page")}`}>Next</a>,
    // ok: fixby.javascript.script-url-from-location
    <a href={page}>All</a>,
  ];
}
