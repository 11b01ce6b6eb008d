// Proof of work (medcal/services/proof_of_work.py): for each part a number whose SHA-256, behind the challenge's signature and the number of the
// part, begins with so many zeros. Runs as a worker; where there are none, the page loads it and lets it work in slices.
(() => {
  const PARTS = 16;
  const K = Int32Array.of(
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2);

  // Forty bytes are one block: eight words of the signature, the part, the number, then the padding of the standard.
  const block = (signature) => {
    const words = new Int32Array(64);
    for (let i = 0; i < 8; i++) words[i] = parseInt(signature.slice(8 * i, 8 * i + 8), 16);
    words[10] = 0x80000000;
    words[15] = 320;
    return words;
  };

  // The first word of the hash; no more is looked at.
  const firstWord = (w) => {
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15], y = w[i - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    let a = 0x6a09e667, b = 0xbb67ae85 | 0, c = 0x3c6ef372, d = 0xa54ff53a | 0;
    let e = 0x510e527f, f = 0x9b05688c | 0, g = 0x1f83d9ab, h = 0x5be0cd19;
    for (let i = 0; i < 64; i++) {
      const S1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + S1 + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
      const S0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (S0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
    }
    return (0x6a09e667 + a) | 0;
  };

  // Returns a function that does so many hashes and says the solution, or null while there is none.
  const search = (challenge) => {
    const [bits, , , signature] = challenge.split(".");
    const shift = 32 - Number(bits), words = block(signature), numbers = [];
    let number = 0;
    return (hashes) => {
      for (let i = 0; i < hashes; i++) {
        words[8] = numbers.length;
        words[9] = number;
        if (firstWord(words) >>> shift === 0) {
          numbers.push(number);
          number = -1;
          if (numbers.length === PARTS) return `${challenge}.${numbers.join("-")}`;
        }
        number++;
      }
      return null;
    };
  };

  // Short enough for a page that goes on answering while somebody types.
  const SLICE_MS = 12;
  const inSlices = (challenge, solved) => {
    const work = search(challenge);
    let timer = 0;
    const slice = () => {
      const until = performance.now() + SLICE_MS;
      let solution = null;
      while (!solution && performance.now() < until) solution = work(200);
      if (solution) solved(solution);
      else timer = setTimeout(slice, 0);
    };
    slice();
    return () => clearTimeout(timer);
  };

  if (typeof WorkerGlobalScope !== "undefined" && self instanceof WorkerGlobalScope) {
    self.onmessage = ({ data }) => {
      const work = search(data);
      let solution = null;
      while (!solution) solution = work(100000);
      self.postMessage(solution);
    };
  } else {
    window.medcalProof = inSlices;
  }
})();
