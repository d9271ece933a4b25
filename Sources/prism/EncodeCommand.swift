import ArgumentParser
import Foundation
import PrismActivations
import PrismCore
import PrismDictionaries
import PrismFormats
import PrismMetrics
import PrismTensor

struct EncodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encode", abstract: "Computes a dictionary's latents and reconstructions of given vectors.",
        discussion: """
            Example:
              prism encode runs/books/dictionary vectors.npy --latents latents.npy --reconstruction out.npy

            With --refine the latents come from an optimiser that sees the decoder only, and the command prints what
            that changes: the difference in FVU is what the encoder loses by finding a code in one step.

              prism encode runs/books/dictionary vectors.npy --refine omp --k 32
              prism encode runs/books/dictionary vectors.npy --refine fista --lambda 0.5
            """)

    @Argument(help: "A dictionary's folder or file, in any format that `prism convert` reads.") var dictionary: String
    @Argument(help: "An .npy matrix [vectors, width]; for a cross-layer transcoder [layers, vectors, width].")
    var vectors: String
    @Option(help: ArgumentHelp("The .npy file to write the latents to, [vectors, latents].", valueName: "file"))
    var latents: String?
    @Option(
        help: ArgumentHelp("The .npy file to write the reconstructions to, [vectors, output width].", valueName: "file")
    )
    var reconstruction: String?
    @Option(
        help: ArgumentHelp(
            "Find better latents for the same decoder: \(Refinement.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "method"))
    var refine: Refinement?
    @Option(
        help: ArgumentHelp(
            "Latents active at a time, of the pursuits. (default: as many as the encoder's on average)", valueName: "n")
    )
    var k: Int?
    @Option(
        help: ArgumentHelp(
            "Weight λ of Σ|zᵢ|‖dᵢ‖ beside ½‖x − x̂‖², of fista: a direction that explains less is left out.",
            valueName: "weight"))
    var lambda: Double?
    @OptionGroup var threads: ThreadOption

    func run() throws {
        guard latents != nil || reconstruction != nil || refine != nil else {
            throw PrismError.usage("say what to write: --latents or --reconstruction with a file's name, or both")
        }
        guard (lambda != nil) == (refine == .fista), k == nil || refine != nil && refine != .fista else {
            throw PrismError.usage(
                "--refine fista needs --lambda, the other methods take --k, and neither goes without --refine")
        }
        let x = try NpyFile(URL(filePath: vectors)).tensor()
        if CrossLayerFiles.exist(in: URL(filePath: dictionary)) { return try encodeLayers(x) }
        let dictionary = try SparseDictionary(loading: URL(filePath: dictionary))
        guard x.shape.count == 2, x.rowWidth == dictionary.width else {
            throw PrismError.badData(
                "\(vectors) has the shape \(x.shape); the dictionary takes [vectors, \(dictionary.width)]")
        }
        try x.requireFinite(in: vectors)
        var codes = dictionary.encode(x, workers: threads.workers)
        if let refine {
            let coder = refine.coder(k: k ?? codes.meanActive, penalty: lambda ?? 0)
            let gap = try AmortisationGap(of: dictionary, on: x, by: coder, workers: threads.workers)
            codes = gap.codes
            for (name, fit) in [("encoder", gap.encoder), (refine.rawValue, gap.coder)] {
                print(
                    name.padding(toLength: 18, withPad: " ", startingAt: 0)
                        + String(format: "L0 %8.2f   FVU %8.5f", fit.l0, fit.fvu))
            }
        }
        if let latents {
            try NpyFile.write(codes.dense(dictionary.latentCount), to: URL(filePath: latents))
        }
        if let reconstruction {
            let out = Tensor(x.rowCount, dictionary.outputWidth)
            dictionary.decode(codes, of: x, into: out, workers: threads.workers)
            try NpyFile.write(out, to: URL(filePath: reconstruction))
        }
    }

    /// As `run`, with a first dimension for the layers.
    private func encodeLayers(_ x: Tensor) throws {
        guard refine == nil else {
            throw PrismError.usage("--refine takes a dictionary of one layer, not a cross-layer transcoder")
        }
        let transcoder = try CrossLayerTranscoder(loading: URL(filePath: dictionary))
        let (layers, width) = (transcoder.layers.count, transcoder.width)
        guard x.shape.count == 3, x.shape[0] == layers, x.shape[2] == width else {
            throw PrismError.badData(
                "\(vectors) has the shape \(x.shape); the transcoder takes [\(layers), vectors, \(width)]")
        }
        try x.requireFinite(in: vectors)
        let inputs = (0..<layers).map { x.rows($0..<$0 + 1).reshaped(x.shape[1], width) }
        let codes = transcoder.encode(inputs, workers: threads.workers)
        func write(_ parts: [Tensor], to path: String) throws {
            let whole = Tensor(shape: [layers] + parts[0].shape)
            for (layer, part) in parts.enumerated() {
                whole.rows(layer..<layer + 1).update(from: part.reshaped(1, part.rowCount, part.rowWidth))
            }
            try NpyFile.write(whole, to: URL(filePath: path))
        }
        if let latents { try write(codes.map { $0.dense(transcoder.latentCount) }, to: latents) }
        if let reconstruction { try write(transcoder.decode(codes, workers: threads.workers), to: reconstruction) }
    }
}

/// The optimisers of codes, by the names of the command line.
enum Refinement: String, CaseIterable, ExpressibleByArgument {
    case fista, omp
    case gradientPursuit = "gradient-pursuit"

    func coder(k: Int, penalty: Double) -> SparseCoder {
        switch self {
        case .fista: .fista(penalty: penalty)
        case .omp: .orthogonalMatchingPursuit(k: k)
        case .gradientPursuit: .gradientPursuit(k: k)
        }
    }
}

extension SparseCodes {
    /// [rows, latents]
    fileprivate func dense(_ latents: Int) -> Tensor {
        let dense = Tensor(rowCount, latents)
        for row in 0..<rowCount { for active in self[row] { dense[row][active.latent] = active.value } }
        return dense
    }

    /// Latents active in a row, on average and at least one.
    fileprivate var meanActive: Int {
        let total = (0..<rowCount).reduce(0) { $0 + Int(counts[$1]) }
        return max(1, Int((Double(total) / Double(max(1, rowCount))).rounded()))
    }
}
