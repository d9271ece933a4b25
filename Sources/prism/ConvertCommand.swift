import ArgumentParser
import Foundation
import PrismCore
import PrismDictionaries

struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert", abstract: "Writes a dictionary in the format of another library.",
        discussion: """
            The format of the input is recognised by what its files hold. Where the other format leaves out a step, the \
            step is folded into the weights if the function stays the same; otherwise the call is refused. The folder of \
            a cross-layer transcoder becomes one of circuit-tracer's again, in fp32.

            Example:
              prism convert runs/books/dictionary books-sparsify --to sparsify
            """)

    @Argument(help: "The dictionary's folder, or the file of its weights.") var input: String
    @Argument(help: "The folder to make; for openai and one transcoder of circuit-tracer the file.") var output: String
    @Option(
        help: ArgumentHelp("One of \(DictionaryFormats.names.joined(separator: ", ")).", valueName: "format"))
    var to: String

    func run() throws {
        let target = URL(filePath: output)
        guard !FileManager.default.fileExists(atPath: target.path) else {
            throw PrismError.usage("\(output) exists already; name another place")
        }
        let source = URL(filePath: input)
        if CrossLayerFiles.exist(in: source) {
            let files = try CrossLayerFiles(source)
            try files.write(as: to, to: target)
            print(
                "circuit-tracer → \(to): \(files.layerCount) layers of \(files.latentCount) latents, "
                    + "\(files.width) numbers")
            return
        }
        let (dictionary, metadata, format) = try DictionaryFormats.read(source)
        try DictionaryFormats.write(dictionary, metadata, as: to, to: target)
        print(
            "\(format) → \(to): \(dictionary.latentCount) latents, \(dictionary.width) → \(dictionary.outputWidth) numbers"
        )
    }
}
