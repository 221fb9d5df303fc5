import { redirect } from "next/navigation";
import { NextRequest, NextResponse } from "next/server";

export async function GET(request: NextRequest) {
  const target = request.nextUrl.searchParams.get("next") ?? "/";
  // ruleid: fixby.javascript.open-redirect-request
  return NextResponse.redirect(target);
}

export async function POST(request: NextRequest) {
  const { url } = await request.json();
  // ruleid: fixby.javascript.ssrf-request
  const answer = await fetch(url as string);
  // ok: fixby.javascript.open-redirect-request
  return answer.ok ? NextResponse.json({}) : NextResponse.redirect(new URL("/login", request.url));
}

export default async function Page({ searchParams }: { searchParams: { back: string } }) {
  // ruleid: fixby.javascript.open-redirect-request
  redirect(searchParams.back);
}

export async function save(formData: FormData) {
  "use server";
  const id = await store(formData);
  if (id) {
    // ok: fixby.javascript.open-redirect-request
    redirect(`/items/${formData.get("id")}`);
  }
  // ruleid: fixby.javascript.open-redirect-request
  redirect(formData.get("returnTo") as string);
}
