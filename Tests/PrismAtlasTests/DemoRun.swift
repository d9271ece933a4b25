import Foundation
import PrismAtlas
import PrismCore
import PrismTensor

/// A believable run without a model: real text cut at white space, latents that fire on a few words each and, weakly, on
/// others, decoder rows that point at what follows. For looking at reports and for measuring their size.
struct DemoRun {
    let latentCount: Int
    let contextCount: Int
    private var texts: [(source: String, title: String, words: [String])] = []
    private var vocabulary: [String] = []
    private var ids: [String: Int32] = [:]
    private let width = 48

    init(latents: Int, contexts: Int) {
        latentCount = latents
        contextCount = contexts
        for (source, folders) in [
            ("licences", ["/usr/share/common-licenses"]), ("python", ["/usr/lib/python3", "/usr/lib/python3.11"]),
        ] {
            for file in Self.files(in: folders) {
                guard let text = try? String(contentsOfFile: file, encoding: .utf8) else { continue }
                texts.append((source, (file as NSString).lastPathComponent, Self.pieces(text)))
            }
        }
        for (source, sentences) in Self.sentences {
            for copy in 0..<4 {
                var generator = SeededGenerator(seed: UInt64(copy), stream: source)
                let text = (0..<60).map { _ in sentences[Int(generator.next() % UInt64(sentences.count))] }.joined(
                    separator: "\n")
                texts.append((source, "\(source) \(copy + 1)", Self.pieces(text)))
            }
        }
        for text in texts {
            for word in text.words where ids[word] == nil {
                ids[word] = Int32(vocabulary.count)
                vocabulary.append(word)
            }
        }
    }

    /// Own sentences in scripts that a page gets wrong easily.
    private static let sentences: [(String, [String])] = [
        (
            "arabic",
            [
                "الشمس تشرق كل صباح فوق المدينة القديمة.", "قرأ الولد كتابا عن النجوم والبحار.",
                "في السوق (الكبير) بعنا 12 كيلو من التمر.",
                "الضوء الأبيض يدخل والألوان تخرج.", "هل رأيت القمر الليلة؟ كان جميلا جدا.",
            ]
        ),
        (
            "hebrew",
            [
                "השמש זורחת כל בוקר מעל העיר העתיקה.", "הילדה קראה ספר על כוכבים וים.",
                "האור הלבן נכנס והצבעים יוצאים.",
                "בשוק קנינו 3 קילו תפוחים (אדומים).",
            ]
        ),
        (
            "chinese",
            [
                "太阳 每天 早晨 从 山 后面 升起 。", "白光 进去 , 颜色 出来 。", "孩子 们 在 河边 读 一本 关于 星星 的 书 。", "今天 的 天气 很 好 , 我们 去 散步 吧 !",
            ]
        ),
    ]

    private static func files(in folders: [String]) -> [String] {
        var found: [String] = []
        for folder in folders {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            found += names.sorted().filter { !$0.contains(".") || $0.hasSuffix(".py") }.map { "\(folder)/\($0)" }
        }
        return Array(found.prefix(60))
    }

    /// Words with the space before them, long ones cut in two; line ends on their own.
    private static func pieces(_ text: String) -> [String] {
        var result: [String] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).prefix(2000) {
            var word = ""
            for character in line {
                if character == " " {
                    if !word.trimmingCharacters(in: .whitespaces).isEmpty {
                        result.append(word)
                        word = ""
                    }
                    word.append(" ")
                } else {
                    word.append(character)
                    if word.count > 7 {
                        result.append(word)
                        word = ""
                    }
                }
            }
            if !word.isEmpty { result.append(word) }
            result.append("\n")
        }
        return result
    }

    func write(into folder: URL) throws -> (atlas: Atlas, run: RunSummary) {
        var generator = SeededGenerator(seed: 7, stream: "demo")
        func normal() -> Float {
            (-2 * Foundation.log(max(generator.uniform(), 1e-7))).squareRoot()
                * Foundation.cos(2 * .pi * generator.uniform())
        }
        // Which latents a token wakes, and how strongly.
        var wakes: [[(latent: Int, strength: Float)]] = Array(repeating: [], count: vocabulary.count)
        let unembedding = Tensor(
            shape: [vocabulary.count, width], (0..<vocabulary.count * width).map { _ in normal() })
        let decoder = Tensor(latentCount, width)
        for latent in 0..<latentCount - latentCount / 50 {
            let family = Int(generator.next() % UInt64(vocabulary.count))
            for member in 0..<Int(1 + generator.next() % 5) {
                let token = member == 0 ? family : min(vocabulary.count - 1, family + Int(generator.next() % 60))
                wakes[token].append((latent, 4 + 20 * generator.uniform()))
                for j in 0..<width {
                    decoder[latent][j] += unembedding[min(token + 1, vocabulary.count - 1)][j] / Float(1 + member)
                }
            }
            for j in 0..<width { decoder[latent][j] = (decoder[latent][j] + 0.6 * normal()) / 12 }
        }
        let builder = try AtlasBuilder(folder.appending(path: "atlas.sqlite"), latentCount: latentCount, seed: 0)
        for (number, text) in texts.enumerated() {
            try builder.add(document: number, title: text.title, source: text.source)
        }
        let length = 128
        let codes = SparseCodes(rowCount: length, slots: 64)
        for context in 0..<contextCount {
            let document = context % texts.count
            let words = texts[document].words
            let start = (context / texts.count) * length % max(1, words.count - length)
            let tokens = words[start..<min(words.count, start + length)].map { ids[$0]! }
            for position in 1..<max(tokens.count, 1) {
                var active: [Int: Float] = [:]
                for (latent, strength) in wakes[Int(tokens[position])] {
                    active[latent] = strength * exp(0.5 * normal())
                }
                for (latent, strength) in wakes[Int(tokens[position - 1])] where latent % 3 == 0 {
                    active[latent, default: 0] += strength * 0.3
                }
                // The weak tail: anything may fire a little.
                for _ in 0..<12 {
                    let u = generator.uniform()
                    active[Int(Float(latentCount - latentCount / 50) * u * u), default: 0] += exp(0.8 * normal())
                }
                let row = active.sorted { $0.key < $1.key }.prefix(64)
                codes.counts[position - 1] = Int32(row.count)
                for (slot, entry) in row.enumerated() {
                    codes.indices[(position - 1) * 64 + slot] = Int32(entry.key)
                    codes.values[(position - 1) * 64 + slot] = entry.value
                }
            }
            try builder.add(
                tokens: tokens, document: document, positions: Array(1..<max(tokens.count, 1)), codes: codes)
        }
        let directions = LatentDirections(
            decoder: decoder, encoderBiases: (0..<latentCount).map { _ in -0.3 + 0.1 * normal() },
            unembedding: unembedding,
            finalNormWeight: nil)
        let run = summary
        return (try builder.finish(run: run, directions: directions, vocabulary: vocabulary.map { Data($0.utf8) }), run)
    }

    private var summary: RunSummary {
        let steps = stride(from: 0, through: 20_000, by: 100)
        func curve(_ value: (Double) -> Double) -> [RunSummary.CurvePoint] {
            steps.map { .init(step: $0, value: value(Double($0) / 20_000)) }
        }
        func metric(_ value: Double, _ half: Double) -> RunSummary.Metric {
            .init(value: value, low: value - half, high: value + half)
        }
        return RunSummary(
            title: "Synthetic demonstration", model: "no model: words cut at white space",
            hook: "blocks.15.hook_resid_post",
            dictionary: .init(
                architecture: "BatchTopK", latents: latentCount, width: 576, k: 32,
                notes: ["AuxK 1/32", "Adam 3e-4", "batch 4,096"]),
            data: .init(
                sources: ["licences", "Python", "Arabic", "Hebrew", "Chinese"], trainingTokens: 20_000_000,
                heldOutTokens: 1_000_000, heldOutContexts: 7874,
                split: "every 20th document", leftOut: "the first position of each context"),
            metrics: [
                "l0": metric(31.94, 0.21), "fvu": metric(0.2093, 0.0041), "cosine": metric(0.9124, 0.0016),
                "gamma": metric(0.987, 0.003),
                "dead_fraction": metric(0.0204, 0.0008), "dense_fraction": metric(0.0061, 0.0004),
                "ce_clean": metric(2.914, 0.031),
                "ce_spliced": metric(3.127, 0.034), "ce_mean": metric(7.93, 0.08), "ce_zero": metric(11.42, 0.11),
                "kl": metric(0.2263, 0.0052), "delta_ce": metric(0.213, 0.005), "mse": metric(8200, 470),
                "normalized_mse": metric(0.104, 0.002),
                "loss_recovered_mean": metric(0.9575, 0.0011), "loss_recovered_zero": metric(0.975, 0.0008),
            ],
            curves: [
                "loss": curve { 40 + 400 * exp(-18 * $0) + 40 * exp(-3 * $0) },
                "fvu": curve { 0.2 + 0.7 * exp(-15 * $0) + 0.08 * exp(-2 * $0) },
                "l0": curve { _ in 32 }, "dead_fraction": curve { 0.02 + 0.2 * exp(-6 * $0) * (1 - exp(-30 * $0)) },
                "learning_rate": curve { 3e-4 * min(1, min($0 / 0.05, (1 - $0) / 0.2)) },
            ],
            sections: [
                ReportSection(
                    title: "A section of the caller's", lead: "Later commands add sections such as this one.",
                    parts: [
                        .table(
                            columns: ["Latent", "Effect of ablation, nats"], rows: [["12", "0.31"], ["840", "0.12"]]),
                        .text(body: "Text with <angle brackets>, & and a line\u{2028}separator."),
                    ])
            ])
    }
}
