import ArgumentParser
import Foundation
import PrismActivations
import PrismCore
import PrismDictionaries
import PrismFormats
import PrismTensor

struct EncodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encode", abstract: "Computes a dictionary's latents and reconstructions of given vectors.",
        discussion: """
            Example:
              prism encode runs/books/dictionary vectors.npy --latents latents.npy --reconstruction out.npy
            """)

    @Argument(help: "A dictionary's folder or file, in any format that `prism convert` reads.") var dictionary: String
    @Argument(help: "An .npy matrix [vectors, width].") var vectors: String
    @Option(help: ArgumentHelp("The .npy file to write the latents to, [vectors, latents].", valueName: "file"))
    var latents: String?
    @Option(
        help: ArgumentHelp("The .npy file to write the reconstructions to, [vectors, output width].", valueName: "file")
    )
    var reconstruction: String?
    @OptionGroup var threads: ThreadOption

    func run() throws {
        guard latents != nil || reconstruction != nil else {
            throw PrismError.usage("say what to write: --latents or --reconstruction with a file's name, or both")
        }
        let dictionary = try SparseDictionary(loading: URL(filePath: dictionary))
        let x = try NpyFile(URL(filePath: vectors)).tensor()
        guard x.shape.count == 2, x.rowWidth == dictionary.width else {
            throw PrismError.badData(
                "\(vectors) has the shape \(x.shape); the dictionary takes [vectors, \(dictionary.width)]")
        }
        try x.requireFinite(in: vectors)
        let codes = dictionary.encode(x, workers: threads.workers)
        if let latents {
            let dense = Tensor(x.rowCount, dictionary.latentCount)
            for t in 0..<x.rowCount { for active in codes[t] { dense[t][active.latent] = active.value } }
            try NpyFile.write(dense, to: URL(filePath: latents))
        }
        if let reconstruction {
            let out = Tensor(x.rowCount, dictionary.outputWidth)
            dictionary.decode(codes, of: x, into: out, workers: threads.workers)
            try NpyFile.write(out, to: URL(filePath: reconstruction))
        }
    }
}
