// The camera of a gate, where the browser reads QR codes.

import { text } from "../session";
import { element } from "./show";

declare const BarcodeDetector:
  | (new (options: { formats: string[] }) => { detect(source: HTMLVideoElement): Promise<{ rawValue: string }[]> })
  | undefined;

/** Looks for codes, and hands each to `scan`. */
export async function watch(scan: (code: string) => Promise<void>): Promise<void> {
  const video = element<HTMLVideoElement>("door-video");
  const note = element("door-camera");
  if (typeof BarcodeDetector === "undefined" || !navigator.mediaDevices?.getUserMedia) {
    note.textContent = text("door-no-camera");
    return;
  }
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
    await video.play();
  } catch {
    note.textContent = text("door-no-camera");
    return;
  }
  video.hidden = false;
  note.hidden = true;
  const detector = new BarcodeDetector({ formats: ["qr_code"] });
  const look = async (): Promise<void> => {
    const [found] = await detector.detect(video).catch(() => []);
    if (found) await scan(found.rawValue);
    setTimeout(() => requestAnimationFrame(() => void look()), 80);
  };
  void look();
}
